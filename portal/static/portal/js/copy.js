/* [data-copy]: the button puts the text of [data-copy-value] on the clipboard and says so; a list is a line for each. */

const SHOWN_FOR = 2500;

function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

function textOf(element) {
  const lines = element.matches("ol, ul") ? [...element.children] : [element];
  return lines.map((line) => line.textContent.trim()).join("\n");
}

async function copyText(element) {
  try {
    await navigator.clipboard.writeText(textOf(element));
    return true;
  } catch {
    // Plain http on a company's network has no clipboard API: leave the text selected for Ctrl+C.
    selectText(element);
    return document.execCommand("copy");
  }
}

function enhance(field) {
  const value = field.querySelector("[data-copy-value]");
  const button = field.querySelector("[data-copy-button]");
  const text = field.querySelector("[data-copy-text]");
  const status = field.querySelector("[data-copy-status]");
  let timer;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copyText(value);
    button.classList.toggle("is-copied", copied);
    text.textContent = copied ? "Copied" : "Press Ctrl+C";
    status.textContent = copied ? "Copied" : "Selected: press Control C to copy";
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.classList.remove("is-copied");
      text.textContent = "Copy";
      status.textContent = "";
    }, SHOWN_FOR);
  });
}

export function enhanceCopyFields() {
  document.querySelectorAll("[data-copy]").forEach(enhance);
}
