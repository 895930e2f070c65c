// Lets whoever types a password see it until it is sent (NIST SP 800-63B-4 §3.1.1.2): a button after the field that
// stands before this script.
'use strict';

(() => {
  const field = document.currentScript.previousElementSibling;
  const [label] = field.labels;
  const what = label.textContent[0].toLowerCase() + label.textContent.slice(1);
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button button-quiet show-password';
  button.setAttribute('aria-controls', field.id);

  const show = (shown) => {
    field.type = shown ? 'text' : 'password';
    button.textContent = `${shown ? 'Hide' : 'Show'} ${what}`;
  };
  show(false);
  button.addEventListener('click', () => show(field.type === 'password'));
  // a browser would keep what was sent by a field of text
  field.form.addEventListener('submit', () => show(false));
  field.after(button);
})();
