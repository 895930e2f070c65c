import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { CatalogRepository } from '#licensing';
import { eventually, pathTo } from '../support/answers.js';
import { beginDevice, decideDevice, DEVICE_GRANT, enterCode, pollDevice } from '../support/device.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { basic, claimsOf, PASSWORD, World, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const CONSULTANT = 'consultant@partners.example';
const UNKNOWN = 'BBBB-BBBB';

let world: World;
let television: TestClient;
let printer: TestClient;

beforeAll(async () => {
  world = await World.start();
  television = await world.createClient({
    id: 'television',
    name: 'Living Room <TV>',
    clientUri: 'https://television.example/about',
    grantTypes: [DEVICE_GRANT, 'refresh_token'],
    redirectUris: [],
    firstParty: false,
    secretSha256: null,
    tokenEndpointAuthMethod: 'none',
  });
  printer = await world.createClient({ id: 'printer', grantTypes: [DEVICE_GRANT], redirectUris: [] });
});
afterAll(() => world.stop());

const person = async (email: string) => {
  await world.createPerson(email, 'Somebody New', { acme: 'member' });
  return world.signIn(email);
};

describe('the verification page (RFC 8628 §3.3)', () => {
  it('§3.3: whoever is not signed in signs in first and comes back to the code', async () => {
    const { verification_uri_complete: address, user_code: userCode } = await beginDevice(world, television);
    const browser = world.browser();
    const { pathname, search } = new URL(address);
    const signIn = pathTo(await browser.get(pathname + search));
    expect(signIn).toMatch(/^\/sign-in\?/);
    const signedIn = await browser.submit(signIn, '/sign-in', { email: MEMBER, password: PASSWORD });
    expect(pathTo(signedIn)).toBe(pathname + search);
    const page = await (await browser.get(pathTo(signedIn))).text();
    expect(page).toContain(`value="${userCode}"`);
  });

  it('§3.3.1: the complete address alone decides nothing: the person is shown the code and asked', async () => {
    const codes = await beginDevice(world, television);
    const browser = await world.signIn(MEMBER);
    const { pathname, search } = new URL(codes.verification_uri_complete);
    await browser.get(pathname + search);
    const confirmation = await (await enterCode(browser, codes.user_code)).text();
    const undecided = await browser.post('/device', hiddenFields(confirmation));
    expect(await undecided.text()).toContain('Approve');
    expect((await pollDevice(world, television, codes)).body['error']).toBe('authorization_pending');
  });

  it('§5.4: the confirmation names code, client, account, organization and permissions, and warns of codes that were sent', async () => {
    const codes = await beginDevice(world, television, { scope: 'openid email projects:write' });
    world.clock.advance(130_000);
    const page = await (await enterCode(await world.signIn(MEMBER), codes.user_code)).text();
    for (const text of [
      codes.user_code,
      'Living Room &lt;TV',
      'television.example',
      '2 minutes ago',
      'Max Member',
      MEMBER,
      'Acme Corporation',
      'See your e-mail address',
      'Create and change things in Projects on your behalf',
      'Did somebody send you this code or link?',
      'does not run this application',
    ]) {
      expect(page).toContain(text);
    }
    expect(page).not.toContain('Choose another');
  });

  it('§6.1: the code may be typed in small letters, with spaces or without a dash', async () => {
    const browser = await world.signIn(MEMBER);
    const { user_code: userCode } = await beginDevice(world, television);
    for (const typed of [
      userCode.toLowerCase(),
      userCode.replace('-', ''),
      ` ${userCode.replace('-', ' ')} `,
    ]) {
      const page = await enterCode(browser, typed);
      expect([typed, page.status]).toEqual([typed, 200]);
      expect(await page.text()).toContain(userCode);
    }
  });

  it('§5.1: unknown, expired, used and denied codes are answered alike', async () => {
    const browser = await person('alike@acme.example');
    const expired = await beginDevice(world, television);
    world.clock.advance(600_000);
    const [used, denied] = [await beginDevice(world, television), await beginDevice(world, television)];
    await decideDevice(browser, used);
    await decideDevice(browser, denied, 'deny');
    const pages = [];
    for (const userCode of [UNKNOWN, expired.user_code, used.user_code, denied.user_code]) {
      const answer = await enterCode(browser, userCode);
      expect(answer.status).toBe(400);
      pages.push((await answer.text()).replaceAll(userCode, 'XXXX-XXXX'));
    }
    expect(pages[0]).toContain('This code does not work');
    expect(new Set(pages).size).toBe(1);
  });

  it('a scope that is not for the role of the person is not granted, and a device that asks for nothing else is refused', async () => {
    const catalog = world.app.get(CatalogRepository);
    const rule = { moduleKey: 'projects', scope: 'projects:write' };
    await catalog.setScopeRoles({ ...rule, roles: ['owner'] }, 'test');
    const browser = await world.signIn(MEMBER);
    await eventually(async () => {
      const { user_code: userCode } = await beginDevice(world, television, { scope: 'projects:write' });
      const answer = await enterCode(browser, userCode);
      return answer.status === 403 && (await answer.text()).includes('Your role allows nothing')
        ? true
        : undefined;
    }, 'the refusal');
    const codes = await beginDevice(world, television, { scope: 'projects:read projects:write' });
    const page = await (await enterCode(browser, codes.user_code)).text();
    expect(page).toContain('See what your organization keeps in Projects');
    expect(page).not.toContain('Create and change things');
    await decideDevice(browser, codes);
    expect((await pollDevice(world, television, codes)).body['scope']).toBe('projects:read');
    await catalog.setScopeRoles({ ...rule, roles: ['owner', 'administrator', 'member'] }, 'test');
    await eventually(async () => {
      const { user_code: userCode } = await beginDevice(world, television, { scope: 'projects:write' });
      return (await enterCode(browser, userCode)).status === 200 ? true : undefined;
    }, 'the scope for every role');
  });

  it('whoever belongs to several organizations chooses one first, and may choose another on the confirmation', async () => {
    const codes = await beginDevice(world, television);
    const browser = await world.signIn(CONSULTANT);
    const { pathname, search } = new URL(codes.verification_uri_complete);
    const choose = pathTo(await browser.get(pathname + search));
    expect(choose).toMatch(/^\/choose-organization\?/);
    const chosen = await browser.submit(choose, '/choose-organization', {
      organization_id: world.id('globex'),
    });
    expect(pathTo(chosen)).toBe(pathname + search);
    const confirmation = await (await enterCode(browser, codes.user_code)).text();
    expect(confirmation).toContain('Globex');
    expect(confirmation).toContain('/choose-organization?return_to=');
    await decideDevice(browser, codes);
    const { body } = await pollDevice(world, television, codes);
    expect(claimsOf(String(body['access_token']))['organization']).toBe('globex');
  });

  it('an organization that was chosen in another tab meanwhile is shown before anything is approved for it', async () => {
    const codes = await beginDevice(world, television);
    const browser = await world.signIn(CONSULTANT);
    const choose = (organization: string) =>
      browser.submit('/choose-organization', '/choose-organization', {
        organization_id: world.id(organization),
      });
    await choose('acme');
    const fields = hiddenFields(await (await enterCode(browser, codes.user_code)).text());
    await choose('globex');
    const again = await browser.post('/device', { ...fields, decision: 'approve' });
    expect(again.status).toBe(200);
    expect(await again.text()).toContain('Globex');
    expect((await pollDevice(world, television, codes)).body['error']).toBe('authorization_pending');
  });

  it('without a license the page says so, and the device gets nothing', async () => {
    const codes = await beginDevice(world, television);
    const license = world.id('license:acme:projects');
    const browser = await world.signIn(MEMBER);
    const fields = hiddenFields(await (await enterCode(browser, codes.user_code)).text());
    await world.licenses.changeStatus(license, 'suspended', 'test');
    for (const answer of [
      await enterCode(browser, codes.user_code),
      await browser.post('/device', { ...fields, decision: 'approve' }),
    ]) {
      expect(answer.status).toBe(403);
      expect(await answer.text()).toContain('The license is suspended');
    }
    await world.licenses.changeStatus(license, 'issued', 'test');
    expect((await pollDevice(world, television, codes)).body['error']).toBe('authorization_pending');
  });

  it('a form that another site sends approves nothing', async () => {
    const codes = await beginDevice(world, television);
    const browser = await world.signIn(MEMBER);
    const fields = hiddenFields(await (await enterCode(browser, codes.user_code)).text());
    const bare = Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'csrf_token'));
    for (const answer of [
      await browser.post('/device', { ...bare, decision: 'approve' }),
      await browser.post('/device', { ...fields, decision: 'approve' }, { 'sec-fetch-site': 'cross-site' }),
    ]) {
      expect(answer.status).toBe(403);
    }
    expect((await pollDevice(world, television, codes)).body['error']).toBe('authorization_pending');
  });

  it('a session that has ended approves nothing', async () => {
    const codes = await beginDevice(world, television);
    const browser = await world.signIn(MEMBER);
    const fields = hiddenFields(await (await enterCode(browser, codes.user_code)).text());
    const other = browser.clone();
    await browser.submit('/sign-out', '/sign-out', {});
    const answer = await other.post('/device', { ...fields, decision: 'approve' });
    expect(pathTo(answer)).toMatch(/^\/sign-in/);
    expect((await pollDevice(world, television, codes)).body['error']).toBe('authorization_pending');
  });

  it('what was approved for a device is no consent for anything else', async () => {
    const both = await world.createClient({
      id: 'both',
      grantTypes: [DEVICE_GRANT, 'authorization_code'],
      firstParty: false,
    });
    const browser = await world.signIn(MEMBER);
    await decideDevice(browser, await beginDevice(world, both));
    expect(pathTo(await browser.get(world.authorizationRequest(both).path))).toMatch(/^\/consent\?/);
  });
});

describe('guesses of user codes (RFC 8628 §5.1)', () => {
  it('after five wrong codes a person enters no more until ten minutes have passed, in whichever session', async () => {
    const browser = await person('guesser@acme.example');
    for (let guess = 0; guess < 5; guess += 1) {
      expect((await enterCode(browser, UNKNOWN)).status).toBe(400);
    }
    const codes = await beginDevice(world, television);
    for (const session of [browser, await world.signIn('guesser@acme.example')]) {
      const refused = await enterCode(session, codes.user_code);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(590);
      expect(await refused.text()).toContain('Try again in 10 minutes');
    }
    expect((await enterCode(await world.signIn(MEMBER), codes.user_code)).status).toBe(200);
    world.clock.advance(600_000);
    const later = await beginDevice(world, television);
    expect((await enterCode(browser, later.user_code)).status).toBe(200);
  });

  it('a code of one’s own between the guesses buys no further ones', async () => {
    const browser = await person('clever@acme.example');
    const answers: number[] = [];
    for (let guess = 0; guess < 7; guess += 1) {
      await enterCode(browser, (await beginDevice(world, television)).user_code);
      answers.push((await enterCode(browser, UNKNOWN)).status);
    }
    expect(answers).toEqual([400, 400, 400, 400, 400, 429, 429]);
  });

  it('of many simultaneous guesses five are looked at', async () => {
    const browser = await person('parallel@acme.example');
    const fields = hiddenFields(await (await browser.get('/device')).text());
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => browser.post('/device', { ...fields, user_code: UNKNOWN })),
    );
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  it('what can be no code is not counted, since nothing is looked for', async () => {
    const browser = await person('clumsy@acme.example');
    for (let slip = 0; slip < 8; slip += 1) {
      expect((await enterCode(browser, 'BCDF-GH')).status).toBe(400);
    }
  });

  it('an address enters so many codes a minute and no more, whoever is signed in', async () => {
    const strict = await World.start({ beside: world, env: { CORE_AUTH_RATE_LIMIT_DEVICE: '3' } });
    const browser = (await world.signIn(MEMBER)).at(strict.url);
    const statuses: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) statuses.push((await enterCode(browser, 'BCDF')).status);
    await strict.stop();
    expect(statuses).toEqual([400, 400, 400, 429, 429]);
  });
});

describe('the picture of the complete address (RFC 8628 §3.3.1)', () => {
  it('is an SVG for anybody, and may be cached', async () => {
    const { verification_qr: address } = await beginDevice(world, television);
    const answer = await fetch(address);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('image/svg+xml');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=600');
    expect(await answer.text()).toMatch(/^<svg [^>]*viewBox/);
  });

  it('is the same for every way to write a code, another for another code, and none for what is no code', async () => {
    const picture = async (code: string) => {
      const answer = await fetch(`${world.url}/device/qr?${new URLSearchParams({ user_code: code })}`);
      return answer.status === 200 ? answer.text() : answer.status;
    };
    expect(await picture('bcdfghjk')).toBe(await picture('BCDF-GHJK'));
    expect(await picture('BCDF-GHJL')).not.toBe(await picture('BCDF-GHJK'));
    expect(await picture('https://evil.example')).toBe(404);
    expect((await fetch(`${world.url}/device/qr`)).status).toBe(404);
  });
});

describe('bad input', () => {
  let browser: HttpBrowser;
  let cookie: string;

  beforeAll(async () => {
    browser = await person('fuzz@acme.example');
    cookie = browser.cookieNames.map((name) => `${name}=${browser.cookie(name)}`).join('; ');
  });

  const send = (method: string, path: string, body?: string | Buffer) =>
    new Promise<number>((resolve, reject) => {
      const outgoing = request(
        world.url,
        {
          method,
          path,
          headers: {
            cookie,
            authorization: basic(printer),
            'content-type': 'application/x-www-form-urlencoded',
          },
          agent: false,
        },
        (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)),
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  const VALUES = [
    '',
    '%00',
    '%',
    '%zz',
    '%ff%fe',
    'a&NAME=b',
    'x'.repeat(5000),
    '%F0%9F%98%80',
    '%D0%92%D0%A1DF-GHJK',
    "'; DROP TABLE users; --",
    '../../etc/passwd',
    '[]',
    '__proto__',
  ];
  const PARAMETERS = [
    ['POST', '/oauth2/device_authorization', ['client_id', 'scope', 'resource', 'client_secret']],
    ['POST', '/oauth2/token', ['device_code', 'resource']],
    ['POST', '/device', ['user_code', 'decision', 'organization_id', 'csrf_token']],
    ['GET', '/device', ['user_code']],
    ['GET', '/device/qr', ['user_code']],
  ] as const;

  it.each(PARAMETERS.flatMap(([method, path, names]) => names.map((name) => [method, path, name] as const)))(
    '%s %s: %s may hold anything, and the answer is never a 500',
    async (method, path, name) => {
      const fields = hiddenFields(await (await browser.get('/device')).text());
      const csrf = new URLSearchParams({ csrf_token: fields['csrf_token'] ?? '' });
      const rest = path === '/device' && name !== 'csrf_token' ? `&${csrf}` : '';
      const grant = path === '/oauth2/token' ? `&grant_type=${encodeURIComponent(DEVICE_GRANT)}` : '';
      for (const value of VALUES) {
        const text = `${name}=${value.replaceAll('NAME', name)}`.replaceAll(' ', '%20');
        const status =
          method === 'POST'
            ? await send(method, path, `${text}${rest}${grant}`)
            : await send(method, `${path}?${text}`);
        expect([value.slice(0, 20), status < 500]).toEqual([value.slice(0, 20), true]);
      }
    },
  );

  it('a repeated scope, client_id or user_code is refused with 400, a repeated resource is not (RFC 8628 §3.1)', async () => {
    const post = (body: string) => send('POST', '/oauth2/device_authorization', body);
    expect(await post('scope=openid&scope=email')).toBe(400);
    expect(await post('client_id=printer&client_id=printer')).toBe(400);
    expect(await post('resource=https://projects.example&resource=https://projects.example/')).toBe(200);
    expect(await send('GET', '/device?user_code=BCDF-GHJK&user_code=BCDF-GHJL')).toBe(400);
    expect(await post('unknown=1&unknown=2')).toBe(200);
  });
});
