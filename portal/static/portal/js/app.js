/* Everything here improves pages that already work: with JavaScript off, nothing is missing but comfort. */
import { enhanceCheckboxConfirms } from "./checkbox-confirm.js";
import { enhanceCopyFields } from "./copy.js";
import { enhanceDialogs } from "./dialog.js";
import { enhanceMenus } from "./menu.js";
import { enhanceSecrets } from "./reveal.js";
import { guardSubmits } from "./submit-once.js";
import { enhanceTypedConfirms } from "./typed-confirm.js";

document.documentElement.classList.add("js");

enhanceDialogs();
enhanceMenus();
enhanceSecrets();
enhanceCopyFields();
enhanceTypedConfirms();
enhanceCheckboxConfirms();
guardSubmits();

// What few pages have is loaded by those pages alone.
const has = (selector) => document.querySelector(selector) !== null;
if (has("[data-selection-bar]")) import("./selection.js").then((part) => part.enhanceSelections());
if (has("[data-poll]")) import("./progress.js").then((part) => part.enhanceProgress());
if (has("[data-passkey]")) import("./passkey.js").then((part) => part.enhancePasskeys());
if (has("form[data-drive]")) import("./drive.js").then((part) => part.enhanceDrives());
if (has("button[data-print]")) import("./print.js").then((part) => part.enhancePrintButtons());

// Over an open dialog, only its own summary may take the focus.
const dialog = document.querySelector("dialog[open]");
(dialog ?? document).querySelector("[data-error-summary]")?.focus();
