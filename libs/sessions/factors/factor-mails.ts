import { mailLink, type Mail } from '#platform';
import type { FactorOwner } from './factor.js';

/** What happened to somebody's factors. */
export type FactorChange =
  | { readonly kind: 'totp-added' | 'totp-replaced' | 'totp-removed' }
  | { readonly kind: 'passkey-added' | 'passkey-renamed' | 'passkey-removed'; readonly name: string }
  | { readonly kind: 'recovery-codes-made' }
  | { readonly kind: 'recovery-code-used' };

const WITH_CODES = 'If there were no recovery codes for your account, new ones have come with it.';

const SENTENCES: Readonly<Record<FactorChange['kind'], readonly [subject: string, text: string]>> = {
  'totp-added': [
    'An authenticator app was added to your account',
    `From now on, signing in asks for a code of your authenticator app. ${WITH_CODES}`,
  ],
  'totp-replaced': [
    'Your authenticator app was replaced',
    'Signing in now asks for a code of the app that was set up last; the one before no longer works.',
  ],
  'totp-removed': [
    'Your authenticator app was removed',
    'Its codes can no longer be used to sign in to your account.',
  ],
  'passkey-added': [
    'A passkey was added to your account',
    `It can be used to sign in from now on. ${WITH_CODES}`,
  ],
  'passkey-renamed': ['A passkey of your account was renamed', 'It works as before.'],
  'passkey-removed': ['A passkey was removed from your account', 'It can no longer be used to sign in.'],
  'recovery-codes-made': [
    'You have new recovery codes',
    'Keep them where nobody else finds them. If you had others before, those no longer work.',
  ],
  'recovery-code-used': [
    'A recovery code was used to sign in to your account',
    'That code does not work again. Once few are left, make new ones.',
  ],
};

/** The notice to the owner of an account whose factors have changed. */
export function factorNotice({ email }: FactorOwner, change: FactorChange, issuer: string): Mail {
  const [subject, text] = SENTENCES[change.kind];
  return {
    to: email,
    subject,
    paragraphs: [
      'name' in change ? `${subject}: “${change.name}”.` : `${subject}.`,
      text,
      'If it was not you, somebody else can use your account: change your password at once, look at your factors, ' +
        'and tell whoever runs this service, or an administrator of your organization.',
      { label: 'Look at your factors', url: mailLink(issuer, '/account/security') },
    ],
  };
}

/** Whoever runs the service has taken every factor away. @param passwordEnded whether the password went with them */
export function factorsLostMail({ email }: FactorOwner, passwordEnded: boolean, issuer: string): Mail {
  return {
    to: email,
    subject: 'The second factors of your account were removed',
    paragraphs: [
      'Whoever runs this service has removed the authenticator app, the passkeys and the recovery codes of your account, as is done for somebody who has lost them. Every session of it has ended, no browser is remembered, and applications have to be allowed again.',
      passwordEnded
        ? 'Your password was good only beside a second factor and no longer works. Choose a new one, sign in with it, and add a factor at “Security”.'
        : 'Signing in asks for your password alone from now on. Sign in, and add a factor at “Security”.',
      passwordEnded
        ? { label: 'Choose a new password', url: mailLink(issuer, '/forgot-password') }
        : { label: 'Sign in', url: mailLink(issuer, '/account/security') },
      'If you did not ask for this, choose a new password at once, by “Forgotten your password?” on the sign-in page, and tell whoever runs this service.',
    ],
  };
}

/** The right password, and then wrong codes: whoever it is knows the password. */
export function wrongCodesMail({ email }: FactorOwner, issuer: string): Mail {
  return {
    to: email,
    subject: 'Wrong codes were entered for your account',
    paragraphs: [
      'Somebody entered the password of your account, and then several codes of the authenticator app that were wrong. Nobody was signed in by them, and further codes have to wait.',
      'If it was you, use a passkey or a recovery code, or try again when the pause is over.',
      'If it was not you, somebody knows your password. Choose a new one at once: that keeps them out, and ends the pause.',
      { label: 'Choose a new password', url: mailLink(issuer, '/forgot-password') },
    ],
  };
}
