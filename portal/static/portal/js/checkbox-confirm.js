/* input[type=checkbox][data-checkbox-confirm]: the form can be sent once it is ticked. The server checks it again. */
import { gate } from "./gate.js";

export function enhanceCheckboxConfirms() {
  document.querySelectorAll("input[data-checkbox-confirm]").forEach((box) => {
    gate(box, () => box.checked);
  });
}
