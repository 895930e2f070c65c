import type { VNode } from 'preact';
import type { Confirmation } from '#sessions';
import { paused, refused, type FormFailure } from '../pages/form-failure.js';
import { Field } from '../pages/form.js';

/** The password that confirms what a form asks for. */
export function CurrentPassword({
  error,
  autofocus,
}: {
  error: string | undefined;
  autofocus: boolean;
}): VNode {
  return (
    <Field
      name="current_password"
      label="Current password"
      type="password"
      autocomplete="current-password"
      error={error}
      autofocus={autofocus}
    />
  );
}

/** The password was not the one, or may not be tried now. @param text what stays as it is */
export function notConfirmed(
  result: Exclude<Confirmation, { kind: 'confirmed' }>,
  now: Date,
  text: string,
): FormFailure {
  return result.kind === 'locked'
    ? paused(result.until, now)
    : refused(text, { current_password: 'This is not your password.' });
}
