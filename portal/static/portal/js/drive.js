/*
 * form[data-drive]: work that goes on by steps, each of them a request. Sends the form again and again and moves the
 * bar inside it, says it aloud now and then, and goes on to the page that the last answer names. Without a script
 * the form's button takes the next step.
 */
import { show } from "./progress.js";

const PAUSE = 50;
// While another tab is at it, or after a failure, there is no hurry.
const AFTER_NOTHING = 1000;
const AFTER_A_FAILURE = 5000;
const SAID_EVERY = 10000;

function drive(form) {
  const status = form.querySelector("[data-progress-status]");
  let saidAt = Date.now();
  let last = "";
  form.querySelectorAll("[data-drive-by-hand]").forEach((part) => {
    part.hidden = true;
  });
  const step = async () => {
    let answer;
    try {
      answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
      });
    } catch {
      setTimeout(step, AFTER_A_FAILURE);
      return;
    }
    // Signed out, or gone: the page itself says so.
    if (answer.redirected || (answer.status >= 400 && answer.status < 500)) {
      window.location.reload();
      return;
    }
    const state = answer.ok ? await answer.json().catch(() => null) : null;
    if (!state) {
      setTimeout(step, AFTER_A_FAILURE);
      return;
    }
    show(form, state);
    if (state.label) form.querySelector("label").textContent = state.label;
    if (state.url || Date.now() - saidAt >= SAID_EVERY) {
      status.textContent = state.text ?? "";
      saidAt = Date.now();
    }
    const now = `${state.label} ${state.text}`;
    if (state.url) window.location.assign(state.url);
    else setTimeout(step, now === last ? AFTER_NOTHING : PAUSE);
    last = now;
  };
  step();
}

export function enhanceDrives() {
  document.querySelectorAll("form[data-drive]").forEach(drive);
}
