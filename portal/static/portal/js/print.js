/* [data-print] prints the page. Without JavaScript the browser's own menu does. */

export function enhancePrinting() {
  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });
}
