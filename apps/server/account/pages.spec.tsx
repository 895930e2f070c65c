import { pagesAreSafeAndSound } from '../../../test/support/page-rules.js';
import { AccountView } from './account.view.js';
import { DataView } from './data.view.js';
import { FactorAddedView } from './factor-added.view.js';
import { SecurityView, type SecurityProblem } from './security.view.js';
import { StepUpView } from './step-up.view.js';
import { TotpView } from './totp.view.js';

pagesAreSafeAndSound((text, url) => {
  const account = { name: text, email: text, csrfToken: text };
  const at = new Date('2026-11-24T12:00:00.000Z');
  const passkey = { id: 'one', name: text, synced: true, createdAt: at, lastUsedAt: at };
  const all = { totp: { createdAt: at, lastUsedAt: undefined }, passkeys: [passkey], recoveryCodesLeft: 3 };
  const none = { totp: undefined, passkeys: [], recoveryCodesLeft: 0 };
  const problems: readonly (SecurityProblem | undefined)[] = [
    undefined,
    { kind: 'unknown' },
    { kind: 'only-way-in' },
    { kind: 'short-password' },
    { kind: 'perhaps-short-password' },
    { kind: 'required', organizations: [text] },
    { kind: 'passkey-refused' },
    { kind: 'passkey-too-many' },
    { kind: 'no-factor' },
    { kind: 'name', id: 'one', typed: text },
    { kind: 'name', id: undefined, typed: text },
  ];
  const organization = { id: text, name: text, role: 'owner' } as const;
  return [
    ...[true, false].map(
      (secondFactor) =>
        [
          `account, ${secondFactor}`,
          <AccountView
            account={account}
            organizations={secondFactor ? [{ ...organization, customRole: { name: url } }] : []}
            secondFactor={secondFactor}
            signedInAt={at}
            deletionAt={secondFactor ? at : undefined}
          />,
        ] as const,
    ),
    ...[undefined, at].map(
      (deletionAt) =>
        [
          `data, ${deletionAt === undefined ? 'kept' : 'going'}`,
          <DataView
            account={account}
            deletionAt={deletionAt}
            graceDays={1}
            failure={{ status: 400, title: text, text, fields: { confirmation: text } }}
            typed={text}
          />,
        ] as const,
    ),
    ['security, nothing', <SecurityView account={account} factors={none} />],
    ...problems.map(
      (problem, index) =>
        [
          `security ${index}`,
          <SecurityView account={account} factors={all} returnTo={url} problem={problem} />,
        ] as const,
    ),
    ['security, done', <SecurityView account={account} factors={all} done="totp-removed" />],
    ...([undefined, 'wrong-code', 'offer-expired'] as const).map(
      (failure) =>
        [
          `authenticator app, ${failure}`,
          <TotpView
            account={account}
            offer={{ envelope: text, secret: text, uri: text }}
            returnTo={url}
            replaces={failure === undefined}
            failure={failure}
          />,
        ] as const,
    ),
    [
      'factor added',
      <FactorAddedView account={account} title={text} codes={[text]} returnTo={url} elsewhere />,
    ],
    ...(['choose-organization', 'leave', 'refuse', 'go-on'] as const).map(
      (instead) =>
        [
          `step-up, ${instead}`,
          <StepUpView account={account} returnTo={url} askedBy={text} instead={instead} />,
        ] as const,
    ),
  ];
});
