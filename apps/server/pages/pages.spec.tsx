import { expect, it } from '@jest/globals';
import type { ReadinessReport } from '#readiness';
import { pagesAreSafeAndSound } from '../../../test/support/page-rules.js';
import { ChooseOrganizationView } from './choose-organization.view.js';
import { ConsentView } from './consent.view.js';
import { ConfirmDeviceView, DeviceResultView, DeviceView, type UserCodeFailure } from './device.view.js';
import { ErrorView } from './error.view.js';
import { LauncherView } from './launcher.view.js';
import { LicenseRefusedView } from './license-refused.view.js';
import { ReadinessView } from './readiness.view.js';
import { renderPage } from './render.js';
import { SecondFactorView, type SecondFactorFailure } from './second-factor.view.js';
import { SignInView, type SignInFailure } from './sign-in.view.js';
import { SignOutView } from './sign-out.view.js';
import { SignedOutView } from './signed-out.view.js';

const failures: readonly SignInFailure[] = [
  { kind: 'invalid-credentials' },
  { kind: 'incomplete' },
  { kind: 'too-many-attempts', byMail: true, retryAfterSeconds: 61 },
  { kind: 'form-expired' },
  { kind: 'passkey-refused' },
  { kind: 'second-step-ended' },
];

const factorFailures: readonly (SecondFactorFailure | undefined)[] = [
  undefined,
  { kind: 'wrong', method: 'totp' },
  { kind: 'wrong', method: 'passkey' },
  { kind: 'wrong', method: 'recovery-code' },
  { kind: 'locked', retryAfterSeconds: 61 },
  { kind: 'closed' },
  { kind: 'form-expired' },
];

const codeFailures: readonly UserCodeFailure[] = [
  { kind: 'missing' },
  { kind: 'wrong-code' },
  { kind: 'form-expired' },
  { kind: 'too-many-codes', retryAfterSeconds: 61 },
];

function reportOf(text: string): ReadinessReport {
  const item = { title: text, section: text, group: text, severity: 'critical' } as const;
  const evidence = { kind: 'probe', seen: text } as const;
  const observedAt = '2026-11-24T12:00:00.000Z';
  return {
    version: text,
    commit: text,
    instance: text,
    environment: text,
    generatedAt: observedAt,
    summary: { verified: 1, failed: 1, unknown: 1, notApplicable: 1 },
    items: [
      { ...item, number: 1, id: `${text}1`, state: 'verified', evidence: { ...evidence, observedAt } },
      {
        ...item,
        number: 2,
        id: `${text}2`,
        state: 'failed',
        evidence: { ...evidence, expected: text, mend: text },
      },
      { ...item, number: 3, id: `${text}3`, state: 'unknown', evidence: { ...evidence, missing: text } },
      { ...item, number: 4, id: `${text}4`, state: 'not-applicable', evidence },
    ],
  };
}

pagesAreSafeAndSound((text, url) => {
  const form = { csrfToken: text, returnTo: url };
  const person = { name: text, email: text };
  const account = { ...person, csrfToken: text };
  const organization = { id: text, name: text, role: 'owner' } as const;
  const contacts = [{ ...person, role: 'administrator' }] as const;
  const application = { name: text, url };
  const module = { key: text, name: text, url };
  const report = reportOf(text);
  const launcher = { csrfToken: text, person, organization, contacts };
  return [
    ['sign-in', <SignInView {...form} email={text} message={text} demonstrationAccounts={[text]} />],
    ...failures.map(
      (failure) =>
        [`sign-in, ${failure.kind}`, <SignInView {...form} email={text} failure={failure} />] as const,
    ),
    ...factorFailures.map(
      (failure, index) =>
        [
          `second factor ${index}`,
          <SecondFactorView
            csrfToken={text}
            returnTo={url}
            email={text}
            methods={['totp', 'passkey', 'recovery-code']}
            failure={failure}
          />,
        ] as const,
    ),
    ...[undefined, text].flatMap((publisher) =>
      [true, false].map(
        (loopback) =>
          [
            `consent${publisher === undefined ? '' : ', by a document'}${loopback ? ', answered here' : ''}`,
            <ConsentView
              {...form}
              client={{
                name: text,
                firstParty: false,
                ...(publisher === undefined ? {} : { publisher }),
                destination: text,
                loopback,
              }}
              person={person}
              organization={publisher === undefined ? organization : undefined}
              scope={`openid projects:read ${text}`}
              moduleNames={new Map([['projects', text]])}
            />,
          ] as const,
      ),
    ),
    [
      'choose-organization',
      <ChooseOrganizationView
        {...form}
        person={person}
        application={text}
        organizations={[
          { ...organization, current: true },
          { ...organization, current: false },
        ]}
      />,
    ],
    ...[undefined, text].map(
      (application) =>
        [
          `choose-organization, none${application === undefined ? '' : ', for an application'}`,
          <ChooseOrganizationView {...form} person={person} organizations={[]} application={application} />,
        ] as const,
    ),
    [
      'launcher',
      <LauncherView
        {...launcher}
        hasOtherOrganizations
        modules={[
          { ...module, licensed: true, licenseId: null },
          { ...module, licensed: false, code: text, licenseId: null },
          { ...module, licensed: false, code: 'SEAT_REQUIRED', licenseId: text },
        ]}
        administers="seats"
        administersLicenses={false}
        signedInAt={new Date(0)}
      />,
    ],
    [
      'launcher, empty',
      <LauncherView
        {...launcher}
        hasOtherOrganizations={false}
        modules={[]}
        administers="nothing"
        administersLicenses
        signedInAt={new Date(0)}
      />,
    ],
    [
      'license-refused',
      <LicenseRefusedView
        module={module}
        organization={organization}
        code={text}
        licenseId={text}
        administers="nothing"
        contacts={contacts}
        hasOtherOrganizations
        returnTo={url}
        application={application}
        account={account}
      />,
    ],
    ['device', <DeviceView account={account} userCode={text} />],
    ...codeFailures.map(
      (failure) =>
        [
          `device, ${failure.kind}`,
          <DeviceView account={account} userCode={text} failure={failure} />,
        ] as const,
    ),
    ...[true, false].map(
      (firstParty) =>
        [
          `device, confirmation, ${firstParty ? 'ours' : 'of somebody else'}`,
          <ConfirmDeviceView
            account={account}
            userCode={text}
            client={{ name: text, host: text, firstParty }}
            organization={firstParty ? organization : undefined}
            hasOtherOrganizations={firstParty}
            scope={`openid projects:read ${text}`}
            moduleNames={new Map([['projects', text]])}
            secondsAgo={61}
          />,
        ] as const,
    ),
    ['device, approved', <DeviceResultView account={account} approved={true} />],
    ['device, denied', <DeviceResultView account={account} approved={false} />],
    ['error', <ErrorView status={400} title={text} message={text} advice={text} requestId={text} />],
    [
      'sign-out',
      <SignOutView csrfToken={text} person={person} application={text} parameters={{ [text]: text }} />,
    ],
    ['signed-out', <SignedOutView />],
    ['readiness', <ReadinessView report={report} account={account} />],
    ['readiness, nothing shown', <ReadinessView report={report} filter={{ severity: 'nice-to-have' }} />],
  ];
});

it('links the readiness report only where a browser may read it', () => {
  const page = <SignedOutView />;
  expect(renderPage(page)).toContain('href="/readiness"');
  expect(renderPage(page, false)).not.toContain('/readiness');
});
