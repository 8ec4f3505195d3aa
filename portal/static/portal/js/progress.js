/*
 * [data-poll="url"]: asks how far the work is, moves the bar, says it aloud now and then, and goes on at the end.
 * The answer is JSON: value and maximum (numbers, or null while unknown), text, and at the end url.
 */

const EVERY = 1000;
const AFTER_A_FAILURE = 5000;
const SAID_EVERY = 10000;

export function show(part, state) {
  const bar = part.querySelector("progress");
  if (state.maximum && state.value !== null) {
    bar.max = state.maximum;
    bar.value = state.value;
  } else {
    bar.removeAttribute("value");
  }
  part.querySelector("[data-progress-text]").textContent = state.text ?? "";
}

function follow(part) {
  const status = part.querySelector("[data-progress-status]");
  let saidAt = Date.now();
  const ask = async () => {
    let answer;
    try {
      answer = await fetch(part.dataset.poll, { headers: { Accept: "application/json" }, cache: "no-store" });
    } catch {
      // The network went away; the work goes on without us.
      setTimeout(ask, AFTER_A_FAILURE);
      return;
    }
    // Signed out, or gone: the page itself says so.
    if (answer.redirected || (answer.status >= 400 && answer.status < 500)) {
      window.location.reload();
      return;
    }
    const state = answer.ok ? await answer.json().catch(() => null) : null;
    if (!state) {
      setTimeout(ask, AFTER_A_FAILURE);
      return;
    }
    show(part, state);
    if (state.url || Date.now() - saidAt >= SAID_EVERY) {
      status.textContent = state.text ?? "";
      saidAt = Date.now();
    }
    if (state.url) window.location.assign(state.url);
    else setTimeout(ask, EVERY);
  };
  setTimeout(ask, EVERY);
}

export function enhanceProgress() {
  document.querySelectorAll("[data-poll]").forEach(follow);
}
