/* input[data-typed-confirm="NAME"]: the form can be sent once NAME is typed. The server checks it again. */
import { gate } from "./gate.js";

const same = (typed, wanted) => typed.trim().normalize() === wanted.trim().normalize();

export function enhanceTypedConfirms() {
  document.querySelectorAll("input[data-typed-confirm]").forEach((input) => {
    gate(input, () => same(input.value, input.dataset.typedConfirm));
  });
}
