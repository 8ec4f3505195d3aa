/* button[data-print]: prints the page; the stylesheet leaves out what paper does not need. */

export function enhancePrintButtons() {
  document.querySelectorAll("button[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });
}
