/* Everything here improves pages that already work: with JavaScript off, nothing is missing but comfort. */
import { enhanceCheckboxConfirms } from "./checkbox-confirm.js";
import { enhanceCopyFields } from "./copy.js";
import { enhanceDialogs } from "./dialog.js";
import { enhanceDrives } from "./drive.js";
import { enhanceMenus } from "./menu.js";
import { enhancePrintButtons } from "./print.js";
import { enhanceProgress } from "./progress.js";
import { enhanceSecrets } from "./reveal.js";
import { enhanceSelections } from "./selection.js";
import { guardSubmits } from "./submit-once.js";
import { enhanceTypedConfirms } from "./typed-confirm.js";

document.documentElement.classList.add("js");

enhanceDialogs();
enhanceMenus();
enhanceSecrets();
enhanceCopyFields();
enhanceTypedConfirms();
enhanceCheckboxConfirms();
enhanceSelections();
enhanceProgress();
enhanceDrives();
enhancePrintButtons();
guardSubmits();

// Over an open dialog, only its own summary may take the focus.
const dialog = document.querySelector("dialog[open]");
(dialog ?? document).querySelector("[data-error-summary]")?.focus();
