/*
 * [data-selection-bar="form id"]: says how many rows are ticked, and its buttons wait for the first one.
 * [data-select-everybody]: a box in the bar for all that the list finds, on other pages too; it counts as a choice.
 * [data-select-all="form id"]: gets a box that ticks all rows of this page. Without this, every row is ticked by hand.
 */

function boxFor(cell) {
  const box = document.createElement("input");
  box.type = "checkbox";
  box.setAttribute("aria-label", "Select all on this page");
  // It stands for the rows and is not sent itself; nor does the browser restore it apart from them.
  box.autocomplete = "off";
  // Around it a label, so that the words that stand beside it where rows are cards can be pressed as well.
  const label = document.createElement("label");
  label.append(box);
  cell?.replaceChildren(label);
  return box;
}

function enhance(bar) {
  const id = bar.dataset.selectionBar;
  const rows = [...document.querySelectorAll(`input[data-select-row="${CSS.escape(id)}"]`)];
  if (!rows.length) return;
  const all = boxFor(document.querySelector(`[data-select-all="${CSS.escape(id)}"]`));
  const count = bar.querySelector("[data-selection-count]");
  const hint = count.textContent;
  const everybody = bar.querySelector("[data-select-everybody]");
  const update = () => {
    const ticked = rows.filter((row) => row.checked).length;
    all.checked = ticked === rows.length;
    all.indeterminate = ticked > 0 && !all.checked;
    const words = ticked ? `${ticked} selected` : hint;
    if (count.textContent !== words) count.textContent = words;
    bar.querySelectorAll("button").forEach((button) => {
      button.disabled = !ticked && !everybody?.checked;
    });
  };
  all.addEventListener("change", () => {
    rows.forEach((row) => {
      row.checked = all.checked;
    });
    update();
  });
  rows.forEach((row) => row.addEventListener("change", update));
  everybody?.addEventListener("change", update);
  // Browsers restore what was ticked after the page is shown again.
  window.addEventListener("pageshow", update);
  update();
}

export function enhanceSelections() {
  document.querySelectorAll("[data-selection-bar]").forEach(enhance);
}
