/* Everything here improves pages that already work: with JavaScript off, nothing is missing but comfort. */
import { enhanceCheckboxConfirms } from "./checkbox-confirm.js";
import { enhanceCopyFields } from "./copy.js";
import { enhanceDialogs } from "./dialog.js";
import { enhanceMenus } from "./menu.js";
import { enhancePasskeys } from "./passkey.js";
import { enhancePrinting } from "./print.js";
import { enhanceSecrets } from "./reveal.js";
import { guardSubmits } from "./submit-once.js";
import { enhanceTypedConfirms } from "./typed-confirm.js";

document.documentElement.classList.add("js");

enhanceDialogs();
enhanceMenus();
enhanceSecrets();
enhanceCopyFields();
enhancePasskeys();
enhancePrinting();
enhanceTypedConfirms();
enhanceCheckboxConfirms();
guardSubmits();

// Over an open dialog, only its own summary may take the focus.
const dialog = document.querySelector("dialog[open]");
(dialog ?? document).querySelector("[data-error-summary]")?.focus();
