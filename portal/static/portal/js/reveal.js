/* [data-reveal]: the button beside a secret shows what is being typed; it is hidden again before it is sent. */

function enhance(wrapper) {
  const input = wrapper.querySelector("input");
  const button = wrapper.querySelector("button");
  const word = button.firstChild;
  const show = (visible) => {
    input.type = visible ? "text" : "password";
    word.textContent = visible ? "Hide " : "Show ";
  };
  input.spellcheck = false;
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  input.form?.addEventListener("submit", () => show(false));
}

export function enhanceSecrets() {
  document.querySelectorAll("[data-reveal]").forEach(enhance);
}
