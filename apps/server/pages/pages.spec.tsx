import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { VNode } from 'preact';
import type { ReadinessReport } from '#readiness';
import { AccountView } from '../account/account.view.js';
import { DataView } from '../account/data.view.js';
import { FactorAddedView } from '../account/factor-added.view.js';
import { SecurityView, type SecurityProblem } from '../account/security.view.js';
import { StepUpView } from '../account/step-up.view.js';
import { TotpView } from '../account/totp.view.js';
import { CreationClosedView } from '../organization/overview.view.js';
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

/** The pages about what somebody signs in with. */
function factorPages(text: string, url: string): readonly (readonly [string, VNode])[] {
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
    { kind: 'required', organizations: [text] },
    { kind: 'passkey-refused' },
    { kind: 'passkey-too-many' },
    { kind: 'no-factor' },
    { kind: 'name', id: 'one', typed: text },
    { kind: 'name', id: undefined, typed: text },
  ];
  const organization = { id: text, name: text, role: 'owner' } as const;
  return [
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
    ['no organization of one’s own', <CreationClosedView account={account} />],
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
    ['factor added', <FactorAddedView account={account} title={text} codes={[text]} returnTo={url} />],
    ...(['choose-organization', 'refuse', 'go-on'] as const).map(
      (instead) =>
        [
          `step-up, ${instead}`,
          <StepUpView account={account} returnTo={url} askedBy={text} instead={instead} />,
        ] as const,
    ),
  ];
}

/** Every view in every shape, with `text` wherever a text can come from outside and `url` wherever an address can. */
function everyPage(text: string, url: string): readonly (readonly [string, VNode])[] {
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
    ...factorPages(text, url),
    ['sign-in', <SignInView {...form} email={text} message={text} demonstrationAccounts={[text]} />],
    ...failures.map(
      (failure) =>
        [`sign-in, ${failure.kind}`, <SignInView {...form} email={text} failure={failure} />] as const,
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
              organization={organization}
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
        message={text}
        organizations={[
          { ...organization, current: true },
          { ...organization, current: false },
        ]}
      />,
    ],
    ['choose-organization, none', <ChooseOrganizationView {...form} person={person} organizations={[]} />],
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
            organization={organization}
            hasOtherOrganizations
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
}

const TAG = /<(\/?[a-z][a-z0-9]*)((?:\s+[^\s=<>"]+(?:="[^"]*")?)*)\s*\/?>/gi;

/** The tags and attribute names of a document, without any text or attribute value. */
function structure(html: string): string[] {
  return [...html.matchAll(TAG)].map(
    ([, tag = '', attributes = '']) => tag + attributes.replace(/="[^"]*"/g, '='),
  );
}

function decoded(html: string): string {
  return html.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

function attributeValues(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value = '']) => decoded(value));
}

function elements(html: string, tag: string): string[] {
  return html.match(new RegExp(`<${tag}[\\s>][\\s\\S]*?</${tag}>`, 'g')) ?? [];
}

const harmless: Readonly<Record<string, string>> = { '<': '‹', '>': '›', '"': '”', "'": '’', '&': '＆' };

const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "'",
        '</title>',
        '<!--',
        '&lt;',
      ),
      fc.constantFrom(
        ' style="color:red"',
        '" autofocus onfocus="alert(1)',
        '<style>',
        '--!>',
        '<',
        '"',
        '&',
      ),
      fc.string({ unit: 'grapheme' }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => `x${parts.join('')}`);

const hostileUrl = fc.oneof(
  fc.constantFrom(
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    'https://ok.example/"><script>alert(1)</script>',
  ),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.string(),
);

const pages = everyPage('Plain', 'https://app.example/').map(
  ([name, view]) => [name, renderPage(view)] as const,
);

describe('hostile input', () => {
  it('adds no tag and no attribute to any page, and is shown as it is', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const tame = everyPage(
          text.replace(/[<>"'&]/g, (character) => harmless[character] ?? ''),
          'https://app.example/',
        );
        for (const [index, [name, view]] of everyPage(text, 'https://app.example/').entries()) {
          const html = renderPage(view);
          expect([name, structure(html)]).toEqual([name, structure(renderPage(tame[index]?.[1] ?? view))]);
          // All that begins like a tag is one of the tags counted above; the other one is the doctype.
          expect([name, html.split('<').length - 2]).toEqual([name, structure(html).length]);
          if (name === 'error') expect(decoded(html)).toContain(text);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('puts only http, https, mail and own addresses into links', () => {
    fc.assert(
      fc.property(hostileUrl, (url) => {
        for (const [name, view] of everyPage('Plain', url)) {
          const html = renderPage(view);
          for (const href of [...attributeValues(html, 'href'), ...attributeValues(html, 'src')]) {
            expect([name, href]).toEqual([
              name,
              expect.stringMatching(/^(https?:\/\/|mailto:|#|\/(?![/\\]))/),
            ]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe.each(pages)('%s', (_name, html) => {
  it('has no script but files of this server, no inline style and no event handler', () => {
    const own = /<script src="\/assets\/[a-z]+\.[0-9a-f]{16}\.js" defer><\/script>/g;
    expect(html.replace(own, '')).not.toMatch(/<script|<style|javascript:/i);
    expect(structure(html).join('\n')).not.toMatch(/\s(style|on[a-z]+)(=|$|\s)/im);
  });

  it('carries the anti-forgery token in every form, the way back where there is one, and posts to this server', () => {
    for (const form of elements(html, 'form')) {
      expect(form).toMatch(/^<form[^>]* method="post" action="\/[a-z0-9/-]+"/);
      expect(form).toContain('<input type="hidden" name="csrf_token" value="Plain"/>');
      const leadsNowhereElse =
        /action="\/(sign-out|device|account\/data\/.*|account\/security\/(?!totp"|passkeys").*)"/.test(form);
      expect(/<input type="hidden" name="return_to" value="[^"]+"\/>/.test(form)).toBe(!leadsNowhereElse);
    }
    expect(elements(html, 'form')).toHaveLength((html.match(/<form/g) ?? []).length);
  });

  it('labels every input', () => {
    const inputs = (html.match(/<input[^>]*>/g) ?? []).filter((input) => !input.includes('type="hidden"'));
    const labels = attributeValues(elements(html, 'label').join(''), 'for');
    expect(labels).toEqual(inputs.flatMap((input) => attributeValues(input, 'id')));
    expect(labels).toHaveLength(inputs.length);
  });

  it('has a language, a title, one heading of the first rank and a way past the header', () => {
    expect(html).toMatch(
      /^<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"\/><title>[^<]+ – Core Auth<\/title>/,
    );
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(html).toContain('href="#content"');
    expect(html).toContain('<main id="content"');
  });

  it('points aria references at elements of the page', () => {
    const ids = attributeValues(html, 'id');
    const references = [
      ...attributeValues(html, 'aria-describedby'),
      ...attributeValues(html, 'aria-labelledby'),
    ];
    expect(ids).toEqual(expect.arrayContaining(references));
  });
});

it('links the readiness report only where a browser may read it', () => {
  const page = <SignedOutView />;
  expect(renderPage(page)).toContain('href="/readiness"');
  expect(renderPage(page, false)).not.toContain('/readiness');
});
