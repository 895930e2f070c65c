// Does the browser's part of a passkey ceremony (Web Authentication §5.1) and sends the form that asked for it.
'use strict';

(() => {
  const webAuthn = globalThis.SimpleWebAuthnBrowser;
  if (!webAuthn.browserSupportsWebAuthn()) return;

  /** A challenge lasts five minutes; one that waits behind a field is renewed before. */
  const RENEW_AFTER = 240_000;

  const SENTENCES = {
    InvalidStateError: 'This device has a passkey of your account already.',
    NotAllowedError: 'The passkey was not used. Try again.',
  };

  async function optionsFor(form) {
    const body = new URLSearchParams({ csrf_token: form.elements.namedItem('csrf_token').value });
    const answer = await fetch(form.dataset.options, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body,
    });
    if (answer.status === 401) location.assign(form.dataset.refusedAt);
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error_description);
    return said;
  }

  function send(form, credential) {
    const field = document.createElement('input');
    field.type = 'hidden';
    field.name = 'credential';
    field.value = JSON.stringify(credential);
    form.append(field);
    form.submit();
  }

  function complain(form, error) {
    const place = form.querySelector('[role=alert]');
    place.textContent = SENTENCES[error.name] ?? error.message;
    place.hidden = false;
  }

  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.hidden = false;
    let busy = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (busy) return;
      busy = true;
      try {
        const optionsJSON = await optionsFor(form);
        const ceremony =
          form.dataset.passkey === 'create' ? webAuthn.startRegistration : webAuthn.startAuthentication;
        send(form, await ceremony({ optionsJSON }));
      } catch (error) {
        busy = false;
        complain(form, error);
      }
    });

    const offerInField = async () => {
      if (busy || document.visibilityState !== 'visible') return;
      try {
        const optionsJSON = await optionsFor(form);
        if (busy) return;
        const credential = await webAuthn.startAuthentication({ optionsJSON, useBrowserAutofill: true });
        // whoever has pressed the button meanwhile is answered by that alone
        if (busy) return;
        busy = true;
        send(form, credential);
      } catch {
        // the field goes on without them, and so does the button
      }
    };
    if (form.dataset.autofill !== undefined) {
      webAuthn.browserSupportsWebAuthnAutofill().then((supported) => {
        if (!supported) return;
        offerInField();
        setInterval(offerInField, RENEW_AFTER);
      });
    }
  }
})();
