/* A form is sent once: its button is disabled and says what is happening (data-busy-label) until the page changes. */

const GIVE_UP_AFTER = 20000;
const busy = new Map();

function lock(form, button) {
  const label = button ? [...button.childNodes] : [];
  form.setAttribute("aria-busy", "true");
  if (button) {
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    if (button.dataset.busyLabel) button.textContent = button.dataset.busyLabel;
  }
  busy.set(form, { button, label });
}

function unlock(form) {
  const { button, label } = busy.get(form) ?? {};
  busy.delete(form);
  form.removeAttribute("aria-busy");
  if (!button) return;
  button.disabled = false;
  button.removeAttribute("aria-busy");
  button.replaceChildren(...label);
}

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
  // What opens in a tab of its own, or is downloaded, leaves this page as it is, to be used again.
  if (form.target === "_blank" || event.submitter?.hasAttribute("data-download")) return;
  if (busy.has(form)) {
    event.preventDefault();
    return;
  }
  const button = event.submitter ?? form.querySelector("button:not([type=button])");
  busy.set(form, {});
  // After this event, so that the browser still sends the button's own name and value.
  setTimeout(() => lock(form, button));
  setTimeout(() => unlock(form), GIVE_UP_AFTER);
}

export function guardSubmits() {
  document.addEventListener("submit", onSubmit);
  // The back button shows the page as it was left: with its button locked.
  window.addEventListener("pageshow", () => [...busy.keys()].forEach(unlock));
}
