/* A form's submit button stays disabled until each condition that was registered for the form holds. */

const conditions = new WeakMap();

function submitButton(form) {
  return form.querySelector("[data-confirm-button]") ?? form.querySelector(".button-danger, .button-primary");
}

function update(form) {
  const button = submitButton(form);
  if (button) button.disabled = !conditions.get(form).every((holds) => holds());
}

export function gate(control, holds) {
  const form = control.form;
  if (!form) return;
  if (!conditions.has(form)) {
    conditions.set(form, []);
    form.addEventListener("input", () => update(form));
    // Browsers restore what was typed after the page is shown again.
    window.addEventListener("pageshow", () => update(form));
  }
  conditions.get(form).push(holds);
  update(form);
}
