/*
 * <form data-passkey="get|create" data-options="..."> asks the browser for a passkey and posts its answer in the field
 * `passkey`. Without JavaScript, or in a browser without passkeys, [data-passkey-without] says what to do instead.
 */

const fromBase64Url = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const toBase64Url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const withBytes = (descriptors = []) => descriptors.map((each) => ({ ...each, id: fromBase64Url(each.id) }));

function decoded(text) {
  const options = JSON.parse(text);
  options.challenge = fromBase64Url(options.challenge);
  if (options.user) options.user.id = fromBase64Url(options.user.id);
  if (options.excludeCredentials) options.excludeCredentials = withBytes(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = withBytes(options.allowCredentials);
  return options;
}

function encoded({ id, rawId, type, response }) {
  const fields = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const bytes = fields.filter((name) => response[name]).map((name) => [name, toBase64Url(response[name])]);
  const transports = response.getTransports?.() ?? [];
  return JSON.stringify({
    id,
    rawId: toBase64Url(rawId),
    type,
    response: { ...Object.fromEntries(bytes), transports },
  });
}

const WORDS = {
  NotAllowedError: "Nothing was done: it was cancelled, or it took too long. Try again when you are ready.",
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "The browser does not allow passkeys at this address.",
};

function enhance(form) {
  const button = form.querySelector("[data-passkey-button]");
  const without = form.querySelector("[data-passkey-without]");
  const status = form.querySelector("[data-passkey-status]");
  if (!window.PublicKeyCredential) {
    without.textContent = "This browser has no passkeys here. Use another way.";
    return;
  }
  without.hidden = true;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (!form.reportValidity()) return;
    status.textContent = "";
    button.disabled = true;
    try {
      const publicKey = decoded(form.dataset.options);
      const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
      form.elements.passkey.value = encoded(credential);
      form.requestSubmit();
    } catch (error) {
      status.textContent = WORDS[error.name] ?? `The passkey could not be used: ${error.message}`;
    } finally {
      button.disabled = false;
    }
  });
}

export function enhancePasskeys() {
  document.querySelectorAll("form[data-passkey]").forEach(enhance);
  // The back button would show a question that was answered already.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && document.querySelector("form[data-passkey]")) window.location.reload();
  });
}
