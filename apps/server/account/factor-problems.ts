import { shortestPassword } from '#accounts';
import { PublicError } from '#platform';
import type { Removal } from '#sessions';

/** @throws PublicError when a factor was not removed: 404 when there is none, 409 when it has to stay */
export function removed(removal: Removal, what: 'authenticator app' | 'passkey'): void {
  switch (removal.kind) {
    case 'removed':
      return;
    case 'unknown':
      throw new PublicError(404, 'unknown_factor', `There is no such ${what}.`);
    case 'only-way-in':
      throw new PublicError(
        409,
        'only_way_in',
        'This passkey is the only way into the account. Set a password or add another passkey first.',
      );
    case 'short-password':
      throw new PublicError(
        409,
        'password_too_short',
        `The password has fewer than ${shortestPassword()} characters, which is enough only beside a second factor, and this is the last one. Choose a longer password first.`,
      );
    case 'perhaps-short-password':
      throw new PublicError(
        409,
        'password_too_short',
        `The password may have fewer than ${shortestPassword()} characters, which is enough only beside a second factor, and this is the last one. Sign in with it once more, so that its length is known, or choose a longer one first.`,
      );
    case 'required':
      throw new PublicError(
        409,
        'factor_required',
        `${removal.organizations.join(' and ')} asks its members for a second factor, and this is the last one. Add another first.`,
      );
  }
}
