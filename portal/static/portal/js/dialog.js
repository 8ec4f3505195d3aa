/*
 * A dialog that the server opened becomes a modal one; Esc then goes where its cancel link goes.
 * <a href="..." data-dialog="id"> opens a dialog of this page in place of the page that the link leads to.
 */

function upgrade(dialog) {
  dialog.removeAttribute("open");
  dialog.showModal();
  dialog.addEventListener("cancel", (event) => {
    const url = dialog.dataset.cancelUrl;
    if (!url) return;
    event.preventDefault();
    window.location.assign(url);
  });
}

function openFrom(link) {
  const dialog = document.getElementById(link.dataset.dialog);
  if (!dialog) return;
  link.setAttribute("aria-haspopup", "dialog");
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    dialog.showModal();
  });
  // The cancel link would load the page that is already here.
  dialog.querySelectorAll("a[href]").forEach((anchor) => {
    if (anchor.getAttribute("href") !== dialog.dataset.cancelUrl) return;
    anchor.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
  });
}

export function enhanceDialogs() {
  document.querySelectorAll("a[data-dialog]").forEach(openFrom);
  document.querySelectorAll("dialog[data-open-on-load]").forEach(upgrade);
}
