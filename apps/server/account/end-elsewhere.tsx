import type { ComponentChildren, VNode } from 'preact';
import { HiddenFields } from '../pages/form.js';

/**
 * After a change of the factors the other sessions, which began without it, can be ended (OWASP ASVS 5.0 7.4.3).
 * @param children what to think of before
 */
export function EndElsewhere({
  csrfToken,
  children,
}: {
  csrfToken: string;
  children?: ComponentChildren;
}): VNode {
  return (
    <form method="post" action="/account/sessions/end-others">
      <HiddenFields csrfToken={csrfToken} />
      <p class="small">You are signed in elsewhere too, and stay so unless you end it.{children}</p>
      <button class="button" type="submit">
        End all other sessions
      </button>
    </form>
  );
}
