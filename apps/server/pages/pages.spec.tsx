import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { VNode } from 'preact';
import type { ReadinessReport } from '#readiness';
import { ChooseOrganizationView } from './choose-organization.view.js';
import { ConsentView } from './consent.view.js';
import { ConfirmDeviceView, DeviceResultView, DeviceView, type UserCodeFailure } from './device.view.js';
import { ErrorView } from './error.view.js';
import { LauncherView } from './launcher.view.js';
import { LicenseRefusedView } from './license-refused.view.js';
import { ReadinessView } from './readiness.view.js';
import { renderPage } from './render.js';
import { SignInView, type SignInFailure } from './sign-in.view.js';
import { SignOutView } from './sign-out.view.js';
import { SignedOutView } from './signed-out.view.js';

const failures: readonly SignInFailure[] = [
  { kind: 'invalid-credentials' },
  { kind: 'incomplete' },
  { kind: 'too-many-attempts', retryAfterSeconds: 61 },
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
          { ...module, licensed: true },
          { ...module, licensed: false, code: text },
        ]}
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
  it('has no script, no inline style and no event handler', () => {
    expect(html).not.toMatch(/<script|<style|javascript:/i);
    expect(structure(html).join('\n')).not.toMatch(/\s(style|on[a-z]+)(=|$|\s)/im);
  });

  it('carries the anti-forgery token in every form, the way back where there is one, and posts to this server', () => {
    for (const form of elements(html, 'form')) {
      expect(form).toMatch(/^<form[^>]* method="post" action="\/[a-z-]+"/);
      expect(form).toContain('<input type="hidden" name="csrf_token" value="Plain"/>');
      const leadsNowhereElse = /action="\/(sign-out|device)"/.test(form);
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
