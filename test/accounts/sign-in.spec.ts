import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { Database, RedisConnection, sql } from '#platform';
import { destinationOf, eventually } from '../support/answers.js';
import { hiddenFields, HttpBrowser } from '../support/http-browser.js';
import { endPassword } from '../support/passwords.js';
import { RedisServer } from '../support/redis.js';
import { claimsOf, PASSWORD, World, type Answer } from '../support/world.js';

const MEMBER = 'member@acme.example';

describe('signing in', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  const attempt = (email: string, password: string, browser = world.browser()) =>
    browser.submit('/sign-in', '/sign-in', { email, password });
  const isSignedIn = async (browser: HttpBrowser) => (await browser.get('/')).status === 200;
  const sessionCookie = (response: Response) =>
    response.headers.getSetCookie().find((line) => line.includes('core_auth_session'));

  describe('passwords', () => {
    /** All that a caller can see of an answer, except what was typed and what is random. */
    const visible = async (response: Response, email: string) => ({
      status: response.status,
      cookies: response.headers.getSetCookie().map((line) => line.replace(/=[\w.-]{20,}/, '=random')),
      headers: [...response.headers.keys()].sort(),
      body: (await response.text())
        .replaceAll(email, 'EMAIL')
        .replace(/name="csrf_token" value="[^"]*"/g, 'CSRF')
        .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID'),
    });

    it('OWASP ASVS V6.3.8: a wrong password, an unknown account and a disabled one are answered alike', async () => {
      await world.createPerson('closed@acme.example', 'Clo Closed', { acme: 'member' });
      await world.accounts.disableUser(world.id('closed@acme.example'), 'test');
      const wrong = await visible(await attempt(MEMBER, 'wrong password'), MEMBER);
      expect(wrong.status).toBe(401);
      expect(wrong.cookies.join()).not.toContain('core_auth_session');
      for (const [email, password] of [
        ['nobody@acme.example', 'wrong password'],
        ['no address', 'wrong password'],
        ['nul\0@acme.example', 'wrong password'],
        ['closed@acme.example', PASSWORD],
      ] as const) {
        expect(await visible(await attempt(email, password), email)).toEqual(wrong);
      }
    });

    it('an unknown account takes as long as a wrong password', async () => {
      const took = async (email: string) => {
        const began = performance.now();
        await attempt(email, 'wrong password');
        return performance.now() - began;
      };
      const median = (times: number[]) => times.sort((a, b) => a - b)[4] ?? 0;
      const ratio = async () => {
        const [known, unknown]: [number[], number[]] = [[], []];
        for (let round = 0; round < 9; round += 1) {
          world.clock.advance(86_500_000);
          known.push(await took(MEMBER));
          unknown.push(await took(`nobody-${round}@acme.example`));
        }
        return median(unknown) / median(known);
      };
      // a difference would be there each time; one that the machine made is not
      const ratios: number[] = [];
      const isAsLong = (found: number) => found > 0.5 && found < 2;
      while (ratios.length < 4 && !ratios.some(isAsLong)) ratios.push(await ratio());
      expect(ratios.some(isAsLong)).toBe(true);
    });

    it('a hash of an earlier cost is replaced at the next sign-in, which goes on to work', async () => {
      const cheap = await hash(PASSWORD, { memoryCost: 8192, timeCost: 1, parallelism: 1 });
      const email = 'early@acme.example';
      await world.createPerson(email, 'Eva Early', { acme: 'member' });
      await endPassword(world, world.id(email), cheap);
      await world.signIn(email);
      const account = await world.accounts.findForSignIn(email);
      expect(account?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      expect((await attempt(email, PASSWORD)).status).toBe(303);
    });

    it('OWASP ASVS 5.0 6.2.10: a password of ten years ago signs in, and nobody asks for another', async () => {
      const email = 'faithful@acme.example';
      await world.createPerson(email, 'Fay Faithful', { acme: 'member' });
      await world.app.get(Database).query(sql`
        UPDATE users SET created_at = now() - interval '10 years', password_changed_at = now() - interval '10 years'
         WHERE email = ${email}`);
      const browser = world.browser();
      const answer = await attempt(email, PASSWORD, browser);
      expect([answer.status, destinationOf(answer).pathname]).toEqual([303, '/']);
      expect(await isSignedIn(browser)).toBe(true);
    });

    it('the address may be written with spaces and in capitals; the password may not', async () => {
      expect((await attempt('  Member@ACME.example ', PASSWORD)).status).toBe(303);
      expect((await attempt(MEMBER, PASSWORD.toUpperCase())).status).toBe(401);
    });

    it('an empty form is told what is missing and counts as no failure', async () => {
      expect((await attempt('', '')).status).toBe(400);
      expect((await attempt(MEMBER, '')).status).toBe(400);
    });
  });

  describe('lockout', () => {
    it.each([
      ['an account', 'owner@acme.example'],
      ['an unknown address', 'unknown@acme.example'],
    ])(
      'after five failures %s is closed for 30 s, then for twice as long each time, at most an hour for who guesses',
      async (_, email) => {
        for (let failure = 1; failure <= 5; failure += 1)
          expect((await attempt(email, 'wrong')).status).toBe(401);
        for (const seconds of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]) {
          const closed = await attempt(email, PASSWORD);
          expect([closed.status, closed.headers.get('retry-after')]).toEqual([429, String(seconds)]);
          world.clock.advance((seconds - 1) * 1000);
          expect((await attempt(email, PASSWORD)).status).toBe(429);
          world.clock.advance(1001);
          expect((await attempt(email, 'wrong')).status).toBe(401);
        }
      },
    );

    it('a right password in time opens it and forgets what was counted', async () => {
      const email = 'admin@globex.example';
      for (let round = 0; round < 3; round += 1) {
        for (let failure = 1; failure <= 4; failure += 1) await attempt(email, 'wrong');
        expect((await attempt(email, PASSWORD)).status).toBe(303);
      }
    });

    it('a day without a failure is a fresh start', async () => {
      const email = 'day@acme.example';
      for (let failure = 1; failure <= 6; failure += 1) await attempt(email, 'wrong');
      world.clock.advance(86_401_000);
      for (let failure = 1; failure <= 5; failure += 1)
        expect((await attempt(email, 'wrong')).status).toBe(401);
      expect((await attempt(email, 'wrong')).status).toBe(429);
    });

    it('simultaneous guesses count each: of 20 at two nodes five are looked at', async () => {
      const node = await World.start({ beside: world });
      const email = 'guessed@acme.example';
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          attempt(email, `guess ${index}`, index % 2 ? node.browser() : world.browser()),
        ),
      );
      await node.stop();
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([...Array<number>(5).fill(401), ...Array<number>(15).fill(429)]);
    });

    it('the closed account is told apart from the address: another account may sign in from there', async () => {
      for (let failure = 1; failure <= 6; failure += 1) await attempt('closed-here@acme.example', 'wrong');
      expect((await attempt(MEMBER, PASSWORD)).status).toBe(303);
    });
  });

  describe('forms', () => {
    it.each([
      ['missing', () => Promise.resolve({})],
      ['made up', () => Promise.resolve({ csrf_token: 'kid.mac' })],
      ["another browser's", async () => hiddenFields(await (await world.browser().get('/sign-in')).text())],
    ])('a form token that is %s signs nobody in', async (_, fields) => {
      const browser = world.browser();
      await browser.get('/sign-in');
      const response = await browser.post('/sign-in', {
        ...(await fields()),
        email: MEMBER,
        password: PASSWORD,
      });
      expect(response.status).toBe(403);
      expect(sessionCookie(response)).toBeUndefined();
      expect(await isSignedIn(browser)).toBe(false);
    });

    it.each(['cross-site', 'same-site'])(
      'Fetch Metadata: a form that a %s page sent signs nobody in',
      async (site) => {
        const browser = world.browser();
        const fields = hiddenFields(await (await browser.get('/sign-in')).text());
        const response = await browser.post(
          '/sign-in',
          { ...fields, email: MEMBER, password: PASSWORD },
          { 'sec-fetch-site': site },
        );
        expect(response.status).toBe(403);
        expect(await isSignedIn(browser)).toBe(false);
      },
    );

    it.each([
      '//evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      'https://evil.example/',
      'https://projects.example@evil.example/',
      'https://projects.example.evil.example/',
      'http://projects.example/',
      'javascript:alert(1)',
      '/\t/evil.example',
      '///evil.example',
    ])('RFC 9700 §4.11: signing in never leads to somebody else: %j', async (address) => {
      const response = await world
        .browser()
        .submit(`/sign-in?${new URLSearchParams({ return_to: address })}`, '/sign-in', {
          email: MEMBER,
          password: PASSWORD,
          return_to: address,
        });
      expect(response.status).toBe(303);
      expect(destinationOf(response).origin).toBe(world.url);
      expect(response.headers.get('location')).toMatch(/^\/(?![/\\])/);
    });
  });

  describe('sessions', () => {
    it('by http, in development, the cookie is HttpOnly, Lax and for this host alone', async () => {
      const cookie = sessionCookie(await attempt(MEMBER, PASSWORD)) ?? '';
      expect(
        cookie
          .replace(/=[\w-]{43};/, '=secret;')
          .split('; ')
          .sort(),
      ).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'core_auth_session=secret'].sort());
    });

    it('RFC 6265bis §4.1.3.2: by https it is Secure and carries the __Host- prefix, and HSTS is sent', async () => {
      const node = await World.start({ beside: world, env: { CORE_AUTH_URL: 'https://auth.example' } });
      const response = await attempt(MEMBER, PASSWORD, node.browser());
      await node.stop();
      expect(
        (sessionCookie(response) ?? '')
          .replace(/=[\w-]{43};/, '=secret;')
          .split('; ')
          .sort(),
      ).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure', '__Host-core_auth_session=secret'].sort());
      expect(response.headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
    });

    it('OWASP ASVS V7.3.1: a session ends after an hour without use', async () => {
      const browser = await world.signIn(MEMBER);
      world.clock.advance(3_500_000);
      expect(await isSignedIn(browser)).toBe(true);
      world.clock.advance(3_500_000);
      expect(await isSignedIn(browser)).toBe(true);
      world.clock.advance(3_601_000);
      expect(await isSignedIn(browser)).toBe(false);
    });

    it('OWASP ASVS V7.3.2: a session ends after a day, however much it is used', async () => {
      const browser = await world.signIn(MEMBER);
      for (let half = 0; half < 47; half += 1) {
        world.clock.advance(1_800_000);
        await browser.get('/');
      }
      expect(await isSignedIn(browser)).toBe(true);
      world.clock.advance(1_801_000);
      expect(await isSignedIn(browser)).toBe(false);
    });

    it('NIST SP 800-63B-4 §5.2: to sign in again begins both times anew', async () => {
      const browser = await world.signIn(MEMBER);
      world.clock.advance(7_200_000);
      expect(await isSignedIn(browser)).toBe(false);
      await world.signIn(MEMBER, browser);
      for (let half = 0; half < 47; half += 1) {
        world.clock.advance(1_800_000);
        expect(await isSignedIn(browser)).toBe(true);
      }
      world.clock.advance(1_801_000);
      expect(await isSignedIn(browser)).toBe(false);
    });

    it('OWASP ASVS V7.4.2: disabling an account ends its sessions at once', async () => {
      await world.createPerson('leaver@acme.example', 'Lee Leaver', { acme: 'member' });
      const browser = await world.signIn('leaver@acme.example');
      await world.accounts.disableUser(world.id('leaver@acme.example'), 'test');
      expect(await isSignedIn(browser)).toBe(false);
      expect(destinationOf(await browser.get('/')).pathname).toBe('/sign-in');
    });

    it('signing out ends the session and what it gave to every client', async () => {
      const browser = await world.signIn(MEMBER);
      const answers = [];
      for (const id of ['projects', 'reports']) {
        const client = world.client(id);
        const scope = `openid ${id}:read`;
        answers.push({
          client,
          ...(await world.exchange(client, await world.code(client, browser, { scope }))),
        });
      }
      const copy = browser.clone();
      const response = await browser.submit('/sign-out', '/sign-out', {});
      expect([response.status, destinationOf(response).pathname]).toEqual([303, '/signed-out']);
      expect(browser.cookieNames).not.toContain('core_auth_session');
      expect(await isSignedIn(copy)).toBe(false);
      for (const { client, body } of answers) {
        expect((await world.introspect(client, String(body['access_token']))).body).toEqual({
          active: false,
        });
        expect((await world.refresh(client, String(body['refresh_token']))).status).toBe(400);
      }
    });

    it('OWASP ASVS V7.2.4: signing in gives a new secret; the old one, and one that was planted, open nothing', async () => {
      const browser = await world.signIn(MEMBER);
      const copy = browser.clone();
      await world.signIn(MEMBER, browser);
      expect(browser.cookie('core_auth_session')).not.toBe(copy.cookie('core_auth_session'));
      expect([await isSignedIn(browser), await isSignedIn(copy)]).toEqual([true, false]);
      const planted = world.browser();
      planted.setCookie('core_auth_session', 'p'.repeat(43));
      await world.signIn(MEMBER, planted);
      expect(planted.cookie('core_auth_session')).not.toBe('p'.repeat(43));
    });

    it('who signs in again keeps the session, so that signing out ends what it gave before', async () => {
      const { client, browser, tokens } = await world.signedInClient();
      for (const pause of [1000, 7_200_000]) {
        world.clock.advance(pause);
        await world.signIn(MEMBER, browser);
      }
      const { body } = await world.exchange(client, await world.code(client, browser));
      expect(claimsOf(String(body['access_token']))['sid']).toBe(claimsOf(tokens.access_token)['sid']);
      await browser.submit('/sign-out', '/sign-out', {});
      expect((await world.introspect(client, tokens.access_token)).body).toEqual({ active: false });
    });

    it('somebody else who signs in by the same browser ends the session before', async () => {
      const { client, browser, tokens } = await world.signedInClient();
      await world.signIn('consultant@partners.example', browser);
      expect((await world.introspect(client, tokens.access_token)).body).toEqual({ active: false });
    });
  });
});

describe('rate limits', () => {
  const LIMIT = 5;
  const env = { CORE_AUTH_RATE_LIMIT_SIGN_IN: String(LIMIT), CORE_AUTH_RATE_LIMIT_TOKEN: String(LIMIT) };
  let redis: RedisServer;
  let one: World;
  let two: World;

  const reach = (ready: boolean) =>
    eventually(
      () => [one, two].every(({ app }) => app.get(RedisConnection).ready === ready) || undefined,
      `Redis ${ready ? 'there' : 'gone'}`,
    );

  beforeAll(async () => {
    redis = await RedisServer.start();
    one = await World.start({ env: { ...env, REDIS_URL: redis.url } });
    two = await World.start({ beside: one, env: { ...env, REDIS_URL: redis.url } });
    // a node counts for itself until Redis has answered it
    await reach(true);
  });
  afterAll(async () => {
    await two.stop();
    await one.stop();
    await redis.stop();
  });

  const tries = async (nodes: World[], count: number) => {
    const answers: Response[] = [];
    for (let index = 0; index < count; index += 1) {
      const node = nodes[index % nodes.length] as World;
      answers.push(await node.browser().post('/sign-in', { email: `${index}@acme.example`, password: 'x' }));
    }
    return answers;
  };

  /** Asks anew where Redis was late, as on a busy machine, so that a node counted for itself. */
  const countedTogether = async <T extends { readonly status: number }>(ask: () => Promise<T[]>) => {
    for (let round = 1; ; round += 1) {
      await one.app.get(RedisConnection).client?.flushAll();
      const answers = await ask();
      if (answers[LIMIT]?.status === 429 || round === 3) return answers;
    }
  };

  it('two nodes count together: what is beyond the limit is 429 with Retry-After', async () => {
    const answers = await countedTogether(() => tries([one, two], LIMIT + 3));
    expect(answers.map(({ status }) => status)).toEqual([...Array<number>(LIMIT).fill(403), 429, 429, 429]);
    const last = answers.at(-1);
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(last?.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(last?.headers.get('cache-control')).toBe('no-store');
    expect(await last?.text()).toContain('Too many tries');
  });

  it('an address cannot be made up: X-Forwarded-For of nobody we trust is ignored', async () => {
    const response = await one
      .browser()
      .post('/sign-in', { email: 'a@b.example' }, { 'x-forwarded-for': '203.0.113.9' });
    expect(response.status).toBe(429);
  });

  it('guesses of links that end a delay count with the tries to sign in', async () => {
    expect((await two.browser().post('/unlock', { token: 'guess' })).status).toBe(429);
  });

  it('what makes challenges and changes factors has a limit of its own, and pages do not count', async () => {
    const node = await World.start({ beside: one, env });
    const post = (path: string) => node.browser().post(path, {});
    const paths = [
      '/sign-in/passkey/options',
      '/account/security/totp',
      '/account/security/passkeys/options',
    ];
    for (let time = 0; time < 8; time += 1) {
      expect((await node.browser().get('/account/security')).status).not.toBe(429);
    }
    const answers: number[] = [];
    for (let time = 0; time < LIMIT; time += 1) answers.push((await post(paths[time % 3] ?? '')).status);
    expect(answers).not.toContain(429);
    for (const path of [...paths, '/sign-in/second-factor/options', '/account/security/recovery-codes']) {
      expect([path, (await post(path)).status]).toEqual([path, 429]);
    }
    expect((await node.browser().get('/step-up')).status).toBe(429);
    // what guesses is counted apart
    expect((await post('/sign-in')).status).toBe(403);
    await node.stop();
  });

  it('looking at the page is not limited', async () => {
    expect((await one.browser().get('/sign-in')).status).toBe(200);
  });

  it('the endpoints of clients have a limit of their own, answered as an OAuth error', async () => {
    const answers = await countedTogether(async () => {
      const tokens: Answer[] = [];
      for (let index = 0; index <= LIMIT; index += 1) {
        const node = index % 2 === 0 ? one : two;
        tokens.push(await node.token(one.client('projects'), { grant_type: 'client_credentials' }));
      }
      return tokens;
    });
    expect(answers.map(({ status }) => status)).toEqual([...Array<number>(LIMIT).fill(200), 429]);
    expect(answers.at(-1)?.body).toEqual({
      error: 'too_many_requests',
      error_description: expect.any(String),
    });
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it.each([
    ['POST', '/oauth2/introspect'],
    ['POST', '/oauth2/revoke'],
    ['POST', '/oauth2/par'],
    ['POST', '/oauth2/device_authorization'],
    ['POST', '/v1/events/poll'],
    ['GET', '/v1/events'],
    ['GET', '/v1/webhooks'],
    ['GET', '/v1/licenses/snapshot'],
    ['POST', '/v1/licenses/check'],
    ['POST', '/v1/usage'],
    ['POST', '/v1/leases'],
    ['POST', '/v1/leases/0190a000-0000-7000-8000-0000000000c1/heartbeat'],
    ['GET', '/v1/licenses'],
    ['GET', '/v1/usage/export'],
    ['GET', '/v1/plans'],
  ])('guesses of a client secret count wherever a client authenticates: %s %s', async (method, path) => {
    const statuses: number[] = [];
    // one is enough, unless Redis was late; a count of its own would let all of these pass
    while (statuses.length < LIMIT && !statuses.includes(429)) {
      const response = await fetch(`${one.url}${path}`, {
        method,
        headers: { authorization: `Basic ${Buffer.from('projects:guess').toString('base64')}` },
      });
      await response.body?.cancel();
      statuses.push(response.status);
    }
    expect(statuses).toContain(429);
  });

  it('with Redis gone each node goes on counting for itself, and nothing fails', async () => {
    redis.signal('SIGKILL');
    await reach(false);
    for (const node of [one, two]) {
      const answers = await tries([node], LIMIT + 1);
      expect(answers.map(({ status }) => status)).toEqual([...Array<number>(LIMIT).fill(403), 429]);
      expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });
});
