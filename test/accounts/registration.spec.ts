import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database, sql } from '#platform';
import { pathTo } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { linkTo, mailsTo } from '../support/mailbox.js';
import { PASSWORD, World } from '../support/world.js';

const MEMBER = 'member@acme.example';

describe('registration', () => {
  let world: World;
  let refusals = 0;
  beforeAll(async () => {
    world = await World.start();
  }, 60_000);
  afterAll(() => world.stop());

  const begin = (email: string, browser = world.browser()) =>
    browser.submit('/register', '/register', { email });
  const link = async (email: string) => {
    await begin(email);
    const path = await linkTo(world, email);
    if (path === undefined) throw new Error(`no link to ${email}`);
    return path;
  };
  const complete = (
    path: string,
    fields: Readonly<Record<string, string>>,
    browser: HttpBrowser = world.browser(),
  ) => browser.submit(path, '/register/complete', { name: 'Nora New', password: PASSWORD, ...fields });
  const accounts = async (email: string) =>
    world.app.get(Database).query<{ id: string; verified: boolean; name: string }>(sql`
      SELECT id, name, email_verified_at IS NOT NULL AS verified FROM users WHERE email = ${email}`);

  /** What anybody sees of an answer, without what is random. */
  const visible = async (response: Response) => ({
    status: response.status,
    location: response.headers.get('location'),
    headers: [...response.headers.keys()].sort(),
    body: await response.text(),
  });

  it('an address, a mail, a name and a password: then the person is signed in, and the address counts as proved', async () => {
    const email = 'nora@new.example';
    expect(pathTo(await begin(email))).toBe('/register/sent');
    const path = (await linkTo(world, email)) ?? '';
    expect(path).toMatch(/^\/register\/complete\?token=[\w-]{43}$/);
    expect(await accounts(email)).toEqual([]);
    const browser = world.browser();
    expect(pathTo(await complete(path, { name: '  Nora   New ' }, browser))).toBe('/');
    const [account] = await accounts(email);
    expect(account).toMatchObject({ name: 'Nora New', verified: true });
    const start = await browser.get('/choose-organization');
    expect(await start.text()).toContain('Nora New');
    await world.signIn(email);
    const audited = await world.app.get(Database).query(sql`
      SELECT act, actor, result FROM audit_events WHERE target = ${account?.id ?? ''} AND act LIKE 'user.%'`);
    expect(audited).toEqual([{ act: 'user.register', actor: account?.id, result: 'success' }]);
  });

  it('an address with an account is answered as one without; only its mail differs', async () => {
    const unknown = await visible(await begin('unknown@new.example'));
    const known = await visible(await begin(MEMBER));
    expect(known).toEqual(unknown);
    const [mail] = await mailsTo(world, MEMBER);
    expect(mail?.subject).toBe('You have an account already');
    expect(JSON.stringify(mail)).not.toContain('/register/complete');
  });

  it('known and unknown addresses write as many rows, in one statement', async () => {
    const rows = async () => {
      const [count] = await world.app.get(Database).query<Record<string, number>>(sql`
        SELECT (SELECT count(*)::int FROM mails) AS mails, (SELECT count(*)::int FROM one_time_tokens) AS tokens,
               (SELECT count(*)::int FROM audit_events) AS audit, (SELECT count(*)::int FROM mail_requests) AS counts`);
      return count ?? {};
    };
    for (const email of ['rows@new.example', 'owner@acme.example']) {
      const before = await rows();
      await begin(email);
      const after = await rows();
      expect(
        Object.fromEntries(Object.keys(after).map((key) => [key, (after[key] ?? 0) - (before[key] ?? 0)])),
      ).toEqual({ mails: 1, tokens: 1, audit: 1, counts: 1 });
    }
  });

  it('one address gets three mails an hour, however many ask at two nodes at once', async () => {
    const node = await World.start({ beside: world });
    const email = 'flooded@new.example';
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => begin(email, index % 2 ? node.browser() : world.browser())),
    );
    await node.stop();
    expect(answers.map(pathTo)).toEqual(Array(12).fill('/register/sent'));
    expect(await mailsTo(world, email)).toHaveLength(3);
    world.clock.advance(3_600_001);
    await begin(email);
    expect(await mailsTo(world, email)).toHaveLength(4);
  });

  it('one network asks a few times a minute, then waits', async () => {
    const node = await World.start({ beside: world, env: { CORE_AUTH_RATE_LIMIT_MAIL: '4' } });
    const answers: Response[] = [];
    for (let count = 0; count < 5; count += 1) {
      answers.push(await begin(`n${count}@new.example`, node.browser()));
    }
    const last = await begin('n5@new.example', node.browser());
    const [forgotten, unread] = [
      await node.browser().submit('/forgot-password', '/forgot-password', { email: 'n6@new.example' }),
      await node.browser().post('/register', { email: 'n7@new.example', csrf_token: 'kid.mac' }),
    ];
    await node.stop();
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303, 303, 429]);
    expect([last.status, forgotten.status, unread.status]).toEqual([429, 429, 429]);
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
    const page = await last.text();
    expect(page).toContain('value="n5@new.example"');
    expect(page.match(/Wait a minute/g)).toHaveLength(1);
    expect(await forgotten.text()).toContain('value="n6@new.example"');
    expect(await mailsTo(world, 'n5@new.example')).toEqual([]);
  });

  it('following a link uses nothing; it makes one account, once', async () => {
    const path = await link('once@new.example');
    for (let count = 0; count < 3; count += 1) expect((await world.browser().get(path)).status).toBe(200);
    const browsers = Array.from({ length: 6 }, () => world.browser());
    const forms = await Promise.all(
      browsers.map(async (one) => hiddenFields(await (await one.get(path)).text())),
    );
    const answers = await Promise.all(
      browsers.map((one, index) =>
        one.post('/register/complete', { ...forms[index], name: 'Once', password: PASSWORD }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 400, 400, 400, 400, 400]);
    expect(await accounts('once@new.example')).toHaveLength(1);
    expect((await world.browser().get(path)).status).toBe(400);
  });

  it('two links for one address at two nodes at once: one account, decided by the database', async () => {
    const node = await World.start({ beside: world });
    for (let round = 0; round < 5; round += 1) {
      const email = `race-${round}@new.example`;
      const paths = [await link(email), await link(email)];
      const answers = await Promise.all(
        paths.map((path, index) =>
          complete(path, { name: `Racer ${index}` }, index ? node.browser() : world.browser()),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([303, 409]);
      expect(await accounts(email)).toHaveLength(1);
    }
    await node.stop();
  }, 60_000);

  it.each([
    ['made up', () => Promise.resolve(`/register/complete?token=${'a'.repeat(43)}`)],
    ['empty', () => Promise.resolve('/register/complete')],
    ['oversized', () => Promise.resolve(`/register/complete?token=${'a'.repeat(5000)}`)],
    ['with a NUL', () => Promise.resolve('/register/complete?token=%00')],
    [
      'of another purpose',
      async () => {
        await world.browser().submit('/forgot-password', '/forgot-password', { email: MEMBER });
        const path = (await linkTo(world, MEMBER)) ?? '';
        return path.replace('/reset-password', '/register/complete');
      },
    ],
    [
      'expired',
      async () => {
        const path = await link('late@new.example');
        world.clock.advance(3_600_001);
        return path;
      },
    ],
  ])('a link that is %s makes nothing and says what to do', async (_, path: () => Promise<string>) => {
    const response = await world.browser().get(await path());
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('This link no longer works');
  });

  it.each([
    ['', 'is not an e-mail address'],
    ['no address', 'is not an e-mail address'],
    ['nul\0@new.example', 'is not an e-mail address'],
    ['оwner@acme.example', 'look alike'],
    [`${'a'.repeat(60_000)}@new.example`, 'too long'],
  ])(
    'an address that is none (%#) stays in its field with a sentence, and nothing is mailed',
    async (email, sentence) => {
      const response = await begin(email);
      expect(response.status).toBe(400);
      const html = await response.text();
      expect(html).toContain(sentence);
      if (email === 'no address') expect(html).toContain('value="no address"');
    },
  );

  it.each(['email', 'csrf_token', 'name', 'password', 'token'])(
    '%s that was sent twice is a bad request',
    async (field) => {
      const browser = world.browser();
      const fields = new URLSearchParams(hiddenFields(await (await browser.get('/register')).text()));
      fields.append(field, 'one');
      fields.append(field, 'two');
      const action = field === 'email' ? '/register' : '/register/complete';
      const response = await browser.post(action, fields);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain(`${field} must be sent once.`);
    },
  );

  it('an address differs neither by case nor by normalization; with a plus it is another', async () => {
    await begin('René+a@New.example'.normalize('NFD'));
    await complete((await linkTo(world, 'rené+a@new.example')) ?? '', {});
    expect(await accounts('rené+a@new.example')).toHaveLength(1);
    await begin('RENÉ+A@new.example');
    expect((await mailsTo(world, 'rené+a@new.example'))[0]?.subject).toBe('You have an account already');
    await begin('rené@new.example');
    expect((await mailsTo(world, 'rené@new.example'))[0]?.subject).toBe('Confirm your e-mail address');
  });

  it.each([
    [{ name: '' }, 'Enter your name.'],
    [{ name: 'a'.repeat(20_000) }, 'at most 100 characters'],
    [{ name: 'nul\0' }, 'cannot be seen'],
    [{ password: 'too short' }, 'at least 15 characters'],
    [{ password: '' }, 'at least 15 characters'],
    [{ password: 'x'.repeat(30_000) }, 'at most 128 characters'],
    [{ password: 'passwordpassword' }, 'among the first that attackers try'],
    [{ name: 'Nora Newcomer', password: 'nora-newcomer-22' }, 'made of your name'],
  ])('what is refused (%j) is said beside its field, and the link still works', async (fields, sentence) => {
    const email = `refused-${(refusals += 1)}@new.example`;
    const path = await link(email);
    const response = await complete(path, fields);
    expect(response.status).toBe(400);
    const html = await response.text();
    expect(html).toContain(sentence);
    expect(html).not.toMatch(/name="password"[^>]*value=/);
    expect(await accounts(email)).toEqual([]);
    expect((await complete(path, {})).status).toBe(303);
  });

  it('without scripts the hint about the password stands there after the form was sent', async () => {
    const response = await complete(await link('hint@new.example'), { password: 'seven words' });
    expect(await response.text()).toContain('Too short: 11 of at least 15 characters.');
  });

  it.each(['/register', '/register/complete'])(
    'a form of another site does nothing at %s',
    async (action) => {
      const path = await link(`csrf${action.length}@new.example`);
      const browser = world.browser();
      const fields = {
        ...hiddenFields(await (await browser.get(path)).text()),
        name: 'Nora',
        password: PASSWORD,
      };
      const email = 'csrf-other@new.example';
      for (const [form, headers] of [
        [{ ...fields, csrf_token: 'kid.mac', email }, {}],
        [{ ...fields, email }, { 'sec-fetch-site': 'cross-site' }],
        [
          { ...fields, email },
          { 'sec-fetch-site': 'none', origin: 'https://evil.example' },
        ],
        [
          { ...fields, email },
          { 'sec-fetch-site': 'none', origin: 'nonsense' },
        ],
      ] as const) {
        expect((await browser.post(action, form, headers)).status).toBe(403);
      }
      expect(await mailsTo(world, email)).toEqual([]);
      expect(await accounts(`csrf${action.length}@new.example`)).toEqual([]);
    },
  );

  it('closed, it makes nothing, and the sign-in page does not offer it', async () => {
    const path = await link('closed@new.example');
    const node = await World.start({ beside: world, env: { CORE_AUTH_SELF_REGISTRATION: 'off' } });
    const browser = node.browser();
    for (const page of ['/register', path]) expect((await browser.get(page)).status).toBe(403);
    expect((await browser.post('/register', { email: 'closed2@new.example' })).status).toBe(403);
    expect((await browser.post('/register/complete', { token: path.split('=')[1] ?? '' })).status).toBe(403);
    expect(await (await browser.get('/sign-in')).text()).not.toContain('href="/register"');
    await node.stop();
    expect(await (await world.browser().get('/sign-in')).text()).toContain('href="/register"');
  });

  it('the mailbox page shows the mail, and its link leads on', async () => {
    await begin('shown@new.example');
    const html = await (await world.browser().get('/mailbox')).text();
    const href = /shown@new\.example[\s\S]*?<a href="([^"]*)"/.exec(html)?.[1] ?? '';
    expect(new URL(href).pathname).toBe('/register/complete');
    const node = await World.start({ beside: world, env: { CORE_AUTH_SMTP_URL: 'smtp://127.0.0.1:1' } });
    expect((await node.browser().get('/mailbox')).status).toBe(404);
    await node.stop();
  });
});
