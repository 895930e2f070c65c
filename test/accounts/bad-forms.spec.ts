import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { Client } from 'pg';
import { Configuration } from '#platform';
import { AppModule } from '../../apps/server/app.module.js';
import {
  ABSENT,
  CONTROL_CHARACTERS,
  OVERSIZED,
  REPEATED,
  WRONG_ENCODING,
  WRONG_TYPE,
} from '../support/bad-values.js';
import { App, secretOn, setUpApp } from '../support/factors.js';
import { formsOn } from '../support/forms.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { linkTo } from '../support/mailbox.js';
import { harmOf, sendRaw, type RawAnswer } from '../support/raw-request.js';
import { PASSWORD, World } from '../support/world.js';

const NEW_PASSWORD = 'a bicycle under seven umbrellas';
/** What makes of a text another one that is as good, or the same. */
const OF_A_TEXT = [
  ...Object.keys(WRONG_TYPE.ways),
  ...['encoded twice', 'a broken escape', 'a half escape', 'an escape of no number', 'a line break'],
];
const OF_AN_ADDRESS = ['encoded twice'];
const OF_A_LIMIT = [...Object.keys(ABSENT.ways), 'encoded twice', 'UTF16'];
const OF_A_KEY = ['truth', 'nothing'];
const WAYS = [ABSENT, REPEATED, OVERSIZED, CONTROL_CHARACTERS, WRONG_ENCODING, WRONG_TYPE].flatMap(
  ({ title, ways }) => Object.entries(ways).map(([way, write]) => ({ title, way, write })),
);
/** Where to go on afterwards is no field of the act; the username is there for who keeps passwords. */
const IGNORED = ['return_to', 'username'];
const PROGRAMS = /^\/(v1|oauth2)\//;
const ELSEWHERE = [
  // test/protocol/bad-parameters, bad-input-fuzz
  ...['/consent', '/device', '/sign-out'],
  // test/licensing/console
  ...[
    '/console/licenses/:id/seats',
    '/console/licenses/:id/seats/release',
    '/console/licenses/:id/leases/end',
  ],
  ...['/console/licenses/:id/files', '/console/licenses/:id/files/return'],
  // test/accounts/passkeys, second-factor
  ...[
    '/sign-in/passkey',
    '/sign-in/passkey/options',
    '/sign-in/second-factor/options',
    '/account/security/passkeys',
  ],
  ...[
    '/account/security/passkeys/options',
    '/account/security/passkeys/:id/rename',
    '/account/security/passkeys/:id/remove',
  ],
  // test/accounts/step-up, lockout, authorized-applications, no-organization
  ...['/step-up', '/unlock', '/account/applications/revoke', '/choose-organization/decline'],
];
/** What the forms change; sessions note each use, and failures each try. */
const TABLES = [
  ...['users', 'memberships', 'organizations', 'organization_roles', 'invitations', 'consents', 'mails'],
  ...['passkeys', 'totp_factors', 'recovery_codes', 'one_time_tokens'],
];

interface Case {
  readonly page: string;
  readonly action: string;
  readonly browser: HttpBrowser;
  /** What a person types. */
  readonly typed?: Readonly<Record<string, string>>;
  /** By field, what is not wrong with it. */
  readonly taken?: Readonly<Record<string, readonly string[]>>;
  /** Choose nothing that could be wrong. */
  readonly ignored?: readonly string[];
  /** What else is typed when the good form is sent, by what its page shows; in another browser when this one may not go on. */
  readonly last?: (
    html: string,
  ) => Promise<{ typed: Readonly<Record<string, string>>; browser?: HttpBrowser }>;
}

describe('forms of accounts and organizations', () => {
  let world: World;
  let reader: Client;
  let people = 0;

  beforeAll(async () => {
    world = await World.start({ env: { CORE_AUTH_SIGN_IN_FAILURES: '100' } });
    reader = new Client({ connectionString: world.database.url });
    await reader.connect();
  });
  afterAll(async () => {
    await reader.end();
    await world.stop();
  });

  const person = async () => {
    const email = `person-${(people += 1)}@acme.example`;
    await world.createPerson(email, 'Pat Person', {});
    return { email, browser: await world.signIn(email) };
  };
  /** The owner of an organization of their own, with a member. */
  const owner = async () => {
    const { email, browser } = await person();
    const key = `shop-${people}`;
    const made = await browser.submit('/organization/new', '/organization/new', { name: 'Shop', key });
    expect(made.status).toBe(303);
    world.ids[key] = await idOf(key);
    const member = `member-${people}@acme.example`;
    await world.createPerson(member, 'Max Member', { [key]: 'member' });
    return { email, browser, key, member: world.id(member) };
  };
  const idOf = async (key: string) => {
    const { rows } = await reader.query<{ id: string }>('SELECT id FROM organizations WHERE key = $1', [key]);
    return rows[0]?.id ?? '';
  };
  const ownRole = async () => {
    const { browser } = await owner();
    await browser.submit('/organization/roles', '/organization/roles', { name: 'Archivist' });
    const html = await (await browser.get('/organization/roles')).text();
    const action = formsOn(html).find((form) => /roles\/[^/]+$/.test(form.action))?.action ?? '';
    return { browser, action };
  };
  const invited = async (act: string) => {
    const { browser } = await owner();
    const page = '/organization/invitations';
    await browser.submit(page, page, { addresses: `guest-${people}@acme.example`, role: 'member' });
    const html = await (await browser.get(page)).text();
    const action = formsOn(html).find((form) => form.action.endsWith(`/${act}`))?.action ?? '';
    return { page, action, browser };
  };
  const mailed = async (email: string) => (await linkTo(world, email)) ?? '';

  const state = async () =>
    Promise.all(
      TABLES.map(async (table) => {
        const { rows } = await reader.query<{ digest: string }>(
          `SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS digest FROM ${table} t`,
        );
        return [table, rows[0]?.digest];
      }),
    );

  const send = (browser: HttpBrowser, action: string, body: string) => {
    const cookie = browser.cookieNames.map((name) => `${name}=${browser.cookie(name)}`).join('; ');
    return sendRaw(world.url, 'POST', action, {
      headers: {
        accept: 'text/html',
        cookie,
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
      },
      body,
    });
  };

  /** By route. */
  const CASES: Readonly<Record<string, () => Promise<Case>>> = {
    '/sign-in': async () => ({
      page: '/sign-in',
      action: '/sign-in',
      browser: world.browser(),
      typed: { email: (await person()).email, password: PASSWORD },
    }),
    '/sign-in/second-factor': async () => {
      const { email, browser } = await person();
      const { app } = await setUpApp(world, browser);
      const page = '/sign-in/second-factor';
      return {
        page,
        action: page,
        browser: await pendingSignIn(email),
        typed: { method: 'totp', code: '000000' },
        ignored: ['remember'],
        last: async () => ({ typed: { code: app.freshCode() }, browser: await pendingSignIn(email) }),
      };
    },
    '/register': async () => ({
      page: '/register',
      action: '/register',
      browser: world.browser(),
      typed: { email: 'new-one@acme.example' },
      taken: { email: OF_AN_ADDRESS },
    }),
    '/register/complete': async () => {
      const browser = world.browser();
      await browser.submit('/register', '/register', { email: 'new-two@acme.example' });
      return {
        page: await mailed('new-two@acme.example'),
        action: '/register/complete',
        browser,
        typed: { name: 'Nora', password: NEW_PASSWORD },
        taken: { name: OF_A_TEXT, password: OF_A_TEXT },
      };
    },
    '/forgot-password': async () => ({
      page: '/forgot-password',
      action: '/forgot-password',
      browser: world.browser(),
      typed: { email: (await person()).email },
      taken: { email: OF_AN_ADDRESS },
    }),
    '/reset-password': async () => {
      const { email } = await person();
      const browser = world.browser();
      await browser.submit('/forgot-password', '/forgot-password', { email });
      return {
        page: await mailed(email),
        action: '/reset-password',
        browser,
        typed: { password: NEW_PASSWORD },
        taken: { password: OF_A_TEXT },
      };
    },
    '/account/profile': async () => ({
      page: '/account/profile',
      action: '/account/profile',
      browser: (await person()).browser,
      typed: { name: 'Another Name' },
      taken: { name: OF_A_TEXT },
    }),
    '/account/password': async () => ({
      page: '/account/password',
      action: '/account/password',
      browser: (await person()).browser,
      typed: { current_password: PASSWORD, password: NEW_PASSWORD },
      taken: { password: OF_A_TEXT },
    }),
    '/account/address': async () => ({
      page: '/account/address',
      action: '/account/address',
      browser: (await person()).browser,
      typed: { email: `moved-${people}@acme.example`, current_password: PASSWORD },
      taken: { email: OF_AN_ADDRESS },
    }),
    '/account/security/totp': async () => {
      const { browser } = await person();
      return {
        page: '/account/security/totp',
        action: '/account/security/totp',
        browser,
        typed: { code: '000000' },
        last: (html) => Promise.resolve({ typed: { code: new App(world, secretOn(html)).code() } }),
      };
    },
    '/account/sessions/end-others': async () => {
      const { email, browser } = await person();
      await world.signIn(email);
      return { page: '/account/sessions', action: '/account/sessions/end-others', browser };
    },
    '/account/data/deletion': async () => {
      const { email, browser } = await person();
      const page = '/account/data';
      return { page, action: '/account/data/deletion', browser, typed: { confirmation: email } };
    },
    '/account/data/deletion/undo': async () => {
      const { email, browser } = await person();
      const page = '/account/data';
      await browser.submit(page, '/account/data/deletion', { confirmation: email });
      return { page, action: '/account/data/deletion/undo', browser };
    },
    '/organization/new': async () => ({
      page: '/organization/new',
      action: '/organization/new',
      browser: (await person()).browser,
      typed: { name: 'New Shop', key: 'new-shop' },
      taken: { name: OF_A_TEXT, key: [...OF_A_KEY, ...Object.keys(ABSENT.ways)] },
    }),
    '/organization/settings': async () => {
      const { browser, key } = await owner();
      const typed = { name: 'Other Shop', key: `other-${key}` };
      return {
        page: '/organization/settings',
        action: '/organization/settings',
        browser,
        typed,
        taken: { name: OF_A_TEXT, key: OF_A_KEY },
      };
    },
    '/organization/deletion': async () => {
      const { browser, key } = await owner();
      const typed = { confirmation: key };
      return { page: '/organization/settings', action: '/organization/deletion', browser, typed };
    },
    '/organization/settings/sessions': async () => {
      const { browser } = await owner();
      const page = '/organization/settings';
      const typed = { idle_minutes: '30', absolute_minutes: '600' };
      const taken = { idle_minutes: OF_A_LIMIT, absolute_minutes: OF_A_LIMIT };
      return { page, action: '/organization/settings/sessions', browser, typed, taken };
    },
    '/organization/settings/second-factor': async () => {
      const { browser } = await owner();
      await setUpApp(world, browser);
      return { page: '/organization/settings', action: '/organization/settings/second-factor', browser };
    },
    '/organization/roles': async () => ({
      page: '/organization/roles',
      action: '/organization/roles',
      browser: (await owner()).browser,
      typed: { name: 'Archivist' },
      taken: { name: OF_A_TEXT },
      ignored: ['permission'],
    }),
    '/organization/invitations': async () => ({
      page: '/organization/invitations',
      action: '/organization/invitations',
      browser: (await owner()).browser,
      typed: { addresses: 'guest@acme.example', role: 'member' },
      taken: {
        addresses: ['by spaces', 'encoded twice', 'a line break'],
        license_id: Object.keys(ABSENT.ways),
      },
    }),
    '/organization/people/:userId/role': async () => {
      const { browser, member } = await owner();
      const action = `/organization/people/${member}/role`;
      return { page: '/organization/people', action, browser, typed: { role: 'billing' } };
    },
    '/organization/people/:userId/remove': async () => {
      const { browser, member } = await owner();
      return { page: '/organization/people', action: `/organization/people/${member}/remove`, browser };
    },
    '/organization/people/:userId/transfer': async () => {
      const { browser, member } = await owner();
      return { page: '/organization/people', action: `/organization/people/${member}/transfer`, browser };
    },
    '/account/address/confirm': async () => {
      const { browser } = await person();
      const email = `linked-${people}@acme.example`;
      await browser.submit('/account/address', '/account/address', { email, current_password: PASSWORD });
      return { page: await mailed(email), action: '/account/address/confirm', browser };
    },
    '/account/security/recovery-codes': async () => {
      const { browser } = await person();
      await setUpApp(world, browser);
      return { page: '/account/security', action: '/account/security/recovery-codes', browser };
    },
    '/account/security/totp/remove': async () => {
      const { browser } = await person();
      await setUpApp(world, browser);
      return { page: '/account/security', action: '/account/security/totp/remove', browser };
    },
    '/account/sessions/:id/end': async () => {
      const { email, browser } = await person();
      await world.signIn(email);
      const html = await (await browser.get('/account/sessions')).text();
      const action = formsOn(html).find((form) => /\/end$/.test(form.action))?.action ?? '';
      return { page: '/account/sessions', action, browser };
    },
    '/choose-organization': async () => {
      const { browser } = await owner();
      return { page: '/choose-organization', action: '/choose-organization', browser };
    },
    '/organization/leave': async () => {
      const { key } = await owner();
      const browser = await world.signIn(`member-${people}@acme.example`);
      return {
        page: '/organization',
        action: '/organization/leave',
        browser,
        typed: { organization_id: world.id(key) },
      };
    },
    '/organization/deletion/undo': async () => {
      const { browser, key } = await owner();
      const deletion = { confirmation: key };
      await browser.submit('/organization/settings', '/organization/deletion', deletion);
      return { page: '/organization', action: '/organization/deletion/undo', browser };
    },
    '/organization/roles/:roleId': async () => {
      const { browser, action } = await ownRole();
      const taken = { name: OF_A_TEXT };
      return {
        page: '/organization/roles',
        action,
        browser,
        typed: { name: 'Keeper' },
        taken,
        ignored: ['permission'],
      };
    },
    '/organization/roles/:roleId/delete': async () => {
      const { browser, action } = await ownRole();
      return { page: '/organization/roles', action: `${action}/delete`, browser };
    },
    '/organization/invitations/:id/resend': async () => invited('resend'),
    '/organization/invitations/:id/withdraw': async () => invited('withdraw'),
    '/invitation': async () => {
      await invited('resend');
      return {
        page: await mailed(`guest-${people}@acme.example`),
        action: '/invitation',
        browser: world.browser(),
        typed: { name: 'Gil Guest', password: NEW_PASSWORD },
        taken: { name: OF_A_TEXT, password: OF_A_TEXT },
      };
    },
  };

  const pendingSignIn = async (email: string) => {
    const browser = world.browser();
    await browser.submit('/sign-in', '/sign-in', { email, password: PASSWORD });
    return browser;
  };

  it.each(Object.entries(CASES))(
    'POST %s: whatever is wrong with a field is refused as the caller’s fault, tells no password, and changes nothing; the good form is taken afterwards',
    async (_, prepare) => {
      const { page, action, browser, typed, taken = {}, ignored = [], last } = await prepare();
      const html = await (await browser.get(page)).text();
      const good = { ...shownFields(html, action), ...typed };
      const before = await state();
      const wrong: string[] = [];
      for (const field of Object.keys(good).filter((name) => ![...IGNORED, ...ignored].includes(name))) {
        for (const { title, way, write } of WAYS) {
          if (taken[field]?.includes(way)) continue;
          const body = Object.entries(good)
            .map(([name, value]) => (name === field ? write : plain)(name, encodeURIComponent(value)))
            .join('&');
          const answer = await send(browser, action, body);
          const harm = harmOf(answer) ?? passwordIn(answer, good);
          if (harm !== undefined || !isRefusal(answer)) {
            wrong.push(`${field} ${title} (${way}): ${answer.status} ${harm ?? ''}`);
          }
        }
      }
      expect(wrong).toEqual([]);
      expect(await state()).toEqual(before);
      const final = await last?.(html);
      const whole = new URLSearchParams({ ...good, ...final?.typed });
      if (final?.browser)
        whole.set('csrf_token', (await shownBy(final.browser, page, action))['csrf_token'] ?? '');
      const answer = await send(final?.browser ?? browser, action, String(whole));
      expect(answer.status).toBeLessThan(400);
      expect(isRefusal(answer)).toBe(false);
    },
    120_000,
  );

  it('every form of a page is among these, or has its bad input elsewhere', () => {
    const { controllers = [] } = AppModule.with(Configuration.load(world.env));
    const forms = controllers.flatMap(postRoutesOf).filter((route) => !PROGRAMS.test(route));
    expect(forms.filter((route) => !(route in CASES)).sort()).toEqual([...ELSEWHERE].sort());
  });
});

function postRoutesOf(controller: Type): string[] {
  const prototype = controller.prototype as object;
  const read = (key: string, of: object): unknown => Reflect.getMetadata(key, of);
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler: unknown = Reflect.get(prototype, name);
    if (typeof handler !== 'function' || read(METHOD_METADATA, handler) !== RequestMethod.POST) return [];
    const parts = [read(PATH_METADATA, controller), read(PATH_METADATA, handler)].filter(
      (part) => part !== '/',
    );
    return [`/${parts.join('/')}`];
  });
}

const plain = (name: string, value: string) => `${name}=${value}`;

const shownBy = async (browser: HttpBrowser, page: string, action: string) =>
  shownFields(await (await browser.get(page)).text(), action);

function shownFields(html: string, action: string): Readonly<Record<string, string>> {
  const forms = formsOn(html);
  const form = forms.find((one) => one.action === action);
  if (!form) throw new Error(`there are the forms ${forms.map((one) => one.action).join(', ')}`);
  return form.fields;
}

/** Who has tried too many codes is sent back to the password. */
const isRefusal = ({ status, location }: RawAnswer) =>
  (status >= 400 && status < 500) || (status === 303 && /^\/sign-in(\?|$)/.test(location ?? ''));

const passwordIn = ({ text }: RawAnswer, good: Readonly<Record<string, string>>) =>
  Object.entries(good).some(([name, value]) => /password/.test(name) && text.includes(value))
    ? 'tells the password'
    : undefined;
