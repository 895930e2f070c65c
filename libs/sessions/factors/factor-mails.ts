import type { Mail } from '#platform';
import type { FactorOwner } from './factor.js';

/** What happened to somebody's factors. */
export type FactorChange =
  | { readonly kind: 'totp-added' | 'totp-replaced' | 'totp-removed' }
  | { readonly kind: 'passkey-added' | 'passkey-renamed' | 'passkey-removed'; readonly name: string }
  | { readonly kind: 'recovery-codes-made' }
  | { readonly kind: 'recovery-code-used' };

const SENTENCES: Readonly<Record<FactorChange['kind'], readonly [subject: string, text: string]>> = {
  'totp-added': [
    'An authenticator app was added to your account',
    'From now on, signing in asks for a code of your authenticator app.',
  ],
  'totp-replaced': [
    'Your authenticator app was replaced',
    'Signing in now asks for a code of the app that was set up last; the one before no longer works.',
  ],
  'totp-removed': [
    'Your authenticator app was removed',
    'Its codes can no longer be used to sign in to your account.',
  ],
  'passkey-added': ['A passkey was added to your account', 'It can be used to sign in from now on.'],
  'passkey-renamed': ['A passkey of your account was renamed', 'It works as before.'],
  'passkey-removed': ['A passkey was removed from your account', 'It can no longer be used to sign in.'],
  'recovery-codes-made': [
    'You have new recovery codes',
    'Recovery codes that were made before no longer work.',
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
        'and tell an administrator of your organization.',
      { label: 'Look at your factors', url: new URL('/account/security', issuer).href },
    ],
  };
}
