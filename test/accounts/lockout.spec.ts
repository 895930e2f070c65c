import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Database, sql } from '#platform';
import { LockoutRepository } from '#sessions';
import { FailureAudit } from '../../libs/sessions/failure-audit.js';
import { Sweeper } from '../../apps/server/sweeper.js';
import { altered, eventually, pathTo } from '../support/answers.js';
import { hiddenFields } from '../support/http-browser.js';
import { PASSWORD, World } from '../support/world.js';
import {
  audited,
  failTimes,
  FROM_ANYWHERE,
  knownBrowser,
  linkMailed,
  mailsTo,
  tryFrom,
} from './lockout-world.js';

jest.setTimeout(60_000);

const DAY = 86_401_000;
const INSIDE = '203.0.113.7';
const OUTSIDE = '198.51.100.9';

describe('too many failed sign-ins', () => {
  let world: World;
  let people = 0;
  let networks = 0;

  beforeAll(async () => {
    world = await World.start({ env: FROM_ANYWHERE });
  });
  afterAll(() => world.stop());

  /** Somebody whom no other test has tried. */
  const somebody = async () => {
    const email = `somebody-${(people += 1)}@acme.example`;
    await world.createPerson(email, 'Sam Somebody', { acme: 'member' });
    return email;
  };
  /** An address from which nobody has tried. */
  const nowhere = () => `10.${(networks += 1) >> 8}.${networks & 255}.1`;
  const wait = (response: Response) => Number(response.headers.get('retry-after'));
  const statuses = (responses: Response[]) => responses.map(({ status }) => status).sort();

  describe('of one account', () => {
    it('from many networks, close it to strangers wherever they are, for 15 minutes at most', async () => {
      const email = await somebody();
      for (let guess = 0; guess < 5; guess += 1) await failTimes(world, 1, email, nowhere());
      for (const seconds of [30, 60, 120, 240, 480, 900, 900]) {
        const closed = await tryFrom(world, email, { from: nowhere(), password: PASSWORD });
        expect([closed.status, wait(closed)]).toEqual([429, seconds]);
        world.clock.advance(seconds * 1000 + 1);
        await failTimes(world, 1, email, nowhere());
      }
    });

    it('NIST SP 800-63B-4 §3.2.2: of a hundred in a row the last closes it for a day, but to its owner', async () => {
      const [email, other] = [await somebody(), 'nobody-a-hundred-times@acme.example'];
      const browser = await knownBrowser(world, email);
      for (const each of [email, other]) await failTimes(world, 5, each, nowhere());
      await world.app.get(Database).query(sql`
        UPDATE sign_in_failures SET failures = 98, locked_until = last_failed_at WHERE failures = 5`);
      for (const each of [email, other]) await failTimes(world, 1, each, nowhere());
      world.clock.advance(900_001);
      for (const each of [email, other]) {
        await failTimes(world, 1, each, nowhere());
        const closed = await tryFrom(world, each, { from: nowhere(), password: PASSWORD });
        expect([closed.status, wait(closed)]).toEqual([429, 86_400]);
        expect(await closed.text()).toContain('Try again in 24 hours.');
      }
      expect((await tryFrom(world, email, { browser, password: PASSWORD })).status).toBe(303);
      const unlocked = world.browser();
      await unlocked.submit(await linkMailed(world, email), '/unlock', {});
      expect((await tryFrom(world, email, { browser: unlocked, password: PASSWORD })).status).toBe(303);
      world.clock.advance(86_400_001);
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(303);
    });

    it('keep who guesses waiting for longer than everybody else', async () => {
      const [email, guesser] = [await somebody(), nowhere()];
      await failTimes(world, 5, email, guesser);
      for (const seconds of [30, 60, 120, 240, 480, 960]) {
        world.clock.advance(seconds * 1000 + 1);
        await failTimes(world, 1, email, guesser);
      }
      expect(wait(await tryFrom(world, email, { from: guesser }))).toBe(1920);
      expect(wait(await tryFrom(world, email, { from: nowhere() }))).toBe(900);
      world.clock.advance(900_001);
      expect((await tryFrom(world, email, { from: guesser })).status).toBe(429);
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(303);
    });

    it('delay nobody who signed in from the same browser before, and they can go on there', async () => {
      const email = await somebody();
      const browser = await knownBrowser(world, email, INSIDE);
      await failTimes(world, 5, email, OUTSIDE);
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(429);
      // even in the network of whoever guesses
      for (const from of [INSIDE, OUTSIDE]) {
        expect((await tryFrom(world, email, { from, password: PASSWORD, browser })).status).toBe(303);
      }
    });

    it('made at a known device delay that device alone, and neither strangers nor another device', async () => {
      const email = await somebody();
      const [stolen, own] = [await knownBrowser(world, email), await knownBrowser(world, email)];
      for (let guess = 0; guess < 5; guess += 1)
        expect((await tryFrom(world, email, { browser: stolen })).status).toBe(401);
      const closed = await tryFrom(world, email, { browser: stolen, password: PASSWORD });
      expect([closed.status, wait(closed)]).toEqual([429, 30]);
      expect((await tryFrom(world, email, { browser: own, password: PASSWORD })).status).toBe(303);
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(303);
    });

    it('are forgotten by a sign-in only as far as they came from the same network', async () => {
      const [email, home] = [await somebody(), nowhere()];
      await failTimes(world, 3, email, OUTSIDE);
      await failTimes(world, 1, email, home);
      expect((await tryFrom(world, email, { from: home, password: PASSWORD })).status).toBe(303);
      await failTimes(world, 2, email, nowhere());
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(429);
    });

    it('are not forgotten by a sign-in at a known device: whoever guesses gains nothing by it', async () => {
      const email = await somebody();
      const browser = await knownBrowser(world, email);
      await failTimes(world, 4, email, OUTSIDE);
      expect((await tryFrom(world, email, { browser, password: PASSWORD })).status).toBe(303);
      await failTimes(world, 1, email, OUTSIDE);
      expect((await tryFrom(world, email, { from: OUTSIDE })).status).toBe(429);
    });

    it('count once each, however many come at once to two nodes: five of twenty are looked at, thrice over', async () => {
      const node = await World.start({ beside: world, env: FROM_ANYWHERE });
      for (let round = 0; round < 3; round += 1) {
        const email = await somebody();
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            tryFrom(index % 2 ? node : world, email, { from: nowhere() }),
          ),
        );
        expect(statuses(answers)).toEqual([...Array<number>(5).fill(401), ...Array<number>(15).fill(429)]);
      }
      await node.stop();
    });

    it('survive a restart: another node that starts later goes on counting', async () => {
      const email = await somebody();
      await failTimes(world, 5, email, nowhere());
      const node = await World.start({ beside: world, env: FROM_ANYWHERE });
      const answer = await tryFrom(node, email, { from: nowhere(), password: PASSWORD });
      await node.stop();
      expect([answer.status, wait(answer)]).toEqual([429, 30]);
    });
  });

  describe('from one network', () => {
    it('at ever other accounts close it to tries of strangers, and nobody elsewhere', async () => {
      const [spraying, email] = [nowhere(), await somebody()];
      for (let account = 0; account < 50; account += 1)
        await failTimes(world, 1, `sprayed-${account}@acme.example`, spraying);
      const closed = await tryFrom(world, email, { from: spraying, password: PASSWORD });
      expect([closed.status, wait(closed)]).toEqual([429, 30]);
      // no mail ends what one account did not cause
      expect(await closed.text()).not.toContain('a link that ends the pause');
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(303);
    });

    it('of IPv6 count together for a /64, whatever host of it they come from', async () => {
      const at = (host: number) => `2001:db8:7:7::${host.toString(16)}`;
      for (let host = 1; host <= 50; host += 1)
        await failTimes(world, 1, `v6-${host}@acme.example`, at(host));
      expect((await tryFrom(world, 'v6@acme.example', { from: at(99) })).status).toBe(429);
      expect((await tryFrom(world, 'v6@acme.example', { from: '2001:db8:7:8::1' })).status).toBe(401);
    });

    it('are forgotten one by one as time passes', async () => {
      const from = nowhere();
      for (let account = 0; account < 50; account += 1)
        await failTimes(world, 1, `slow-${account}@acme.example`, from);
      world.clock.advance(10 * 72_000 - 1);
      for (let account = 0; account < 9; account += 1)
        await failTimes(world, 1, `slower-${account}@acme.example`, from);
      expect((await tryFrom(world, 'slowest@acme.example', { from })).status).toBe(429);
    });
  });

  describe('are answered', () => {
    const visible = async (response: Response, email: string) => ({
      status: response.status,
      wait: wait(response),
      headers: [...response.headers.keys()].sort(),
      body: (await response.text())
        .replaceAll(email, 'EMAIL')
        .replace(/name="csrf_token" value="[^"]*"/g, 'CSRF'),
    });

    it('alike for an account and for an address that nobody has', async () => {
      const [known, unknown] = [await somebody(), 'nobody-at-all@acme.example'];
      const answers = [];
      for (const email of [known, unknown]) {
        await failTimes(world, 5, email, nowhere());
        answers.push(await visible(await tryFrom(world, email, { from: nowhere() }), email));
      }
      expect(answers[0]).toMatchObject({ status: 429, wait: 30 });
      expect(answers[0]?.body).toContain('Try again in 1 minute. If there is an account with this address');
      expect(answers[1]).toEqual(answers[0]);
    });

    it('alike to who guesses once the owner has followed the link, as at an address that nobody has', async () => {
      const [known, unknown, guesser] = [await somebody(), 'nobody-there@acme.example', nowhere()];
      const answers = [];
      for (const email of [known, unknown]) {
        await failTimes(world, 5, email, guesser);
        if (email === known) await world.browser().submit(await linkMailed(world, email), '/unlock', {});
        answers.push(await visible(await tryFrom(world, email, { from: guesser }), email));
      }
      expect(answers[1]?.body).toContain('If there is an account with this address');
      expect(answers[0]).toEqual(answers[1]);
    });
  });

  describe('end by mail', () => {
    it('a link lets its browser sign in at once; who guesses goes on waiting', async () => {
      const [email, guesser] = [await somebody(), nowhere()];
      await failTimes(world, 5, email, guesser);
      const link = await linkMailed(world, email);
      const browser = world.browser();
      const opened = await browser.submit(link, '/unlock', {});
      expect([opened.status, pathTo(opened)]).toEqual([303, '/unlocked']);
      expect(await (await browser.get('/unlocked')).text()).toContain(
        'You may sign in with this browser now',
      );
      expect((await tryFrom(world, email, { from: guesser })).status).toBe(429);
      await failTimes(world, 5, email, nowhere());
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(429);
      expect((await tryFrom(world, email, { browser, password: PASSWORD })).status).toBe(303);
      expect(await audited(world, 'account.unlock', world.id(email))).toMatchObject([
        { actor: world.id(email), result: 'success', detail: { by: 'mail' } },
      ]);
    });

    it('the letter names the person and says that nothing need be done, and leaves once a day, not once a delay', async () => {
      const email = await somebody();
      await failTimes(world, 5, email, nowhere());
      await linkMailed(world, email);
      const [mail] = await mailsTo(world, email);
      expect(mail).toMatchObject({ to: email, subject: 'Signing in to your account is paused' });
      expect(JSON.stringify(mail?.paragraphs)).toContain('Sam Somebody');
      for (const seconds of [30, 60, 120, 240, 480]) {
        world.clock.advance(seconds * 1000 + 1);
        await failTimes(world, 1, email, nowhere());
      }
      // what is written later is written after what would have been due before
      const later = await somebody();
      await failTimes(world, 5, later, nowhere());
      await linkMailed(world, later);
      expect(await mailsTo(world, email)).toHaveLength(1);
      world.clock.advance(DAY);
      await failTimes(world, 5, email, nowhere());
      await linkMailed(world, email, 2);
    });

    it('where no mail leaves, nobody is told that one has', async () => {
      const node = await World.start({
        beside: world,
        env: { ...FROM_ANYWHERE, NODE_ENV: 'production', CORE_AUTH_URL: 'https://auth.example' },
      });
      const email = await somebody();
      await failTimes(node, 5, email, nowhere());
      const answers = [
        await tryFrom(node, email, { from: nowhere() }),
        await tryFrom(world, email, { from: nowhere() }),
      ];
      const told = await Promise.all(
        answers.map(async (answer) => (await answer.text()).includes('mailed to it')),
      );
      expect([answers.map(({ status }) => status), told]).toEqual([
        [429, 429],
        [false, true],
      ]);
      await node.stop();
    });

    it('two nodes write one letter between them', async () => {
      const node = await World.start({ beside: world, env: FROM_ANYWHERE });
      const emails = await Promise.all(Array.from({ length: 6 }, somebody));
      await Promise.all(emails.map((email) => failTimes(world, 5, email, nowhere())));
      for (const email of emails) await linkMailed(world, email);
      await node.stop();
      for (const email of emails) expect(await mailsTo(world, email)).toHaveLength(1);
    });

    it('nothing is written to an address that nobody has, nor to who is disabled', async () => {
      const disabled = await somebody();
      await world.accounts.disableUser(world.id(disabled), 'test');
      for (const email of [disabled, 'nobody-reads@acme.example'])
        await failTimes(world, 5, email, nowhere());
      const somebodyElse = await somebody();
      await failTimes(world, 5, somebodyElse, nowhere());
      await linkMailed(world, somebodyElse);
      await eventually(async () => {
        const due = await world.app.get(Database).query(sql`SELECT FROM sign_in_failures WHERE mail_due`);
        return due.length === 0 || undefined;
      }, 'an end of what is due');
      for (const email of [disabled, 'nobody-reads@acme.example'])
        expect(await mailsTo(world, email)).toEqual([]);
    });

    it('looking at the link uses nothing: programs that read mail follow links', async () => {
      const email = await somebody();
      await failTimes(world, 5, email, nowhere());
      const link = await linkMailed(world, email);
      for (let look = 0; look < 3; look += 1) expect((await world.browser().get(link)).status).toBe(200);
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(429);
      expect((await world.browser().submit(link, '/unlock', {})).status).toBe(303);
    });

    it('a link works once, even when it is used twenty times at once at two nodes', async () => {
      const node = await World.start({ beside: world, env: FROM_ANYWHERE });
      const email = await somebody();
      await failTimes(world, 5, email, nowhere());
      const link = await linkMailed(world, email);
      const forms = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const browser = (index % 2 ? node : world).browser();
          return { browser, fields: hiddenFields(await (await browser.get(link)).text()) };
        }),
      );
      const answers = await Promise.all(forms.map(({ browser, fields }) => browser.post('/unlock', fields)));
      await node.stop();
      expect(statuses(answers)).toEqual([303, ...Array<number>(19).fill(400)]);
      expect(await audited(world, 'account.unlock', world.id(email))).toHaveLength(1);
    });

    it('a link that has expired, is altered, is another purpose’s, or of an address given up since ends nothing', async () => {
      const email = await somebody();
      await failTimes(world, 5, email, nowhere());
      const link = await linkMailed(world, email);
      const other = await somebody();
      await failTimes(world, 5, other, nowhere());
      // a form of ours, for what is sent without being looked at before
      let good = await linkMailed(world, other);
      const refused = async (path: string) => {
        const shown = await world.browser().get(path);
        const page = await shown.text();
        expect([shown.status, page]).toEqual([
          400,
          expect.stringContaining('It has been used, or has expired'),
        ]);
        expect(page).not.toContain('action="/unlock"');
        const token = new URL(path, world.url).searchParams.get('token') ?? '';
        const answer = await world.browser().submit(good, '/unlock', { token });
        expect(answer.status).toBe(400);
        expect(await answer.text()).toContain('It has been used, or has expired');
      };
      await refused(altered(link));
      const database = world.app.get(Database);
      await database.query(sql`UPDATE one_time_tokens SET purpose = 'reset-password' WHERE email = ${email}`);
      await refused(link);
      await database.query(
        sql`UPDATE one_time_tokens SET purpose = 'unlock', email = 'old@acme.example' WHERE email = ${email}`,
      );
      await refused(link);
      await database.query(sql`UPDATE one_time_tokens SET email = ${email} WHERE email = 'old@acme.example'`);
      await world.browser().submit(good, '/unlock', {});
      const used = good;
      good = link;
      await refused(used);
      world.clock.advance(DAY);
      expect((await world.browser().get(link)).status).toBe(400);
    });

    it.each([
      ['without a token', '/unlock'],
      ['with an empty one', '/unlock?token='],
      ['with one that is too long', `/unlock?token=${'a'.repeat(65)}`],
      ['with two', '/unlock?token=a&token=b'],
    ])('the page %s is refused with a sentence', async (_, path) => {
      const answer = await world.browser().get(path);
      expect(answer.status).toBe(400);
      expect(await answer.text()).toMatch(/<p( class="lead")?>[A-Z][^<]{15,}\.<\/p>/);
    });

    it('a form that is not ours ends nothing, and the page is shown again with its token', async () => {
      const email = await somebody();
      await failTimes(world, 5, email, nowhere());
      const link = await linkMailed(world, email);
      const token = new URL(link, world.url).searchParams.get('token') ?? '';
      const foreign = await world.browser().post('/unlock', { token });
      expect(foreign.status).toBe(403);
      expect(await foreign.text()).toContain(token);
      expect((await tryFrom(world, email, { from: nowhere(), password: PASSWORD })).status).toBe(429);
    });
  });

  describe('in the audit', () => {
    it('each wrong password is one row; what a delay turned away is none', async () => {
      const [email, from] = [await somebody(), nowhere()];
      await failTimes(world, 5, email, from);
      for (let flood = 0; flood < 30; flood += 1) await tryFrom(world, email, { from });
      const rows = await audited(world, 'sign-in', world.id(email));
      expect(rows).toHaveLength(5);
      for (const row of rows)
        expect(row).toMatchObject({ actor: 'anonymous', address: from, factor: 'pwd', result: 'failure' });
      expect(rows.map(({ detail }) => detail?.['delayed_until'] !== undefined)).toEqual([
        ...Array<boolean>(4).fill(false),
        true,
      ]);
    });

    it('what was typed that no account has is kept as a digest', async () => {
      const email = 'typed-by-mistake@acme.example';
      await failTimes(world, 1, email, nowhere());
      const rows = await world.app.get(Database).query<{ target: string }>(sql`
        SELECT target FROM audit_events WHERE act = 'sign-in' AND result = 'failure' AND target LIKE 'account:%'`);
      expect(rows.length).toBeGreaterThan(0);
      expect(JSON.stringify(rows)).not.toContain('typed-by-mistake');
    });

    const stranger = { email: 'x@y.example', network: '192.0.2.1', userId: undefined, deviceId: undefined };
    const failed = async () =>
      (await world.app.get(Database).query(sql`SELECT FROM audit_events WHERE result = 'failure'`)).length;

    it('a node writes 600 of a minute, and the first after that says how many it left out', async () => {
      world.clock.advance(DAY);
      const failures = world.app.get(FailureAudit);
      const before = await failed();
      await Promise.all(Array.from({ length: 610 }, () => failures.note(stranger, '192.0.2.1')));
      expect((await failed()) - before).toBe(600);
      world.clock.advance(60_001);
      await failTimes(world, 1, 'after-the-flood@acme.example', nowhere());
      const [last] = await world.app.get(Database).query<{ detail: { unwritten: number } }>(sql`
        SELECT detail FROM audit_events WHERE act = 'sign-in' ORDER BY id DESC LIMIT 1`);
      expect(last?.detail.unwritten).toBe(10);
    });
  });

  it('an administrator ends every delay of an account at once, which the audit knows', async () => {
    const [email, guesser] = [await somebody(), nowhere()];
    await failTimes(world, 5, email, guesser);
    const lockout = world.app.get(LockoutRepository);
    const by = { id: 'cli', address: null, factor: null };
    expect(await lockout.unlock(world.id(email), by)).toBe(true);
    expect((await tryFrom(world, email, { from: guesser, password: PASSWORD })).status).toBe(303);
    expect(await lockout.unlock(world.id(email), by)).toBe(false);
    expect(await audited(world, 'account.unlock', world.id(email))).toMatchObject([{ actor: 'cli' }]);
  });

  it('what has been counted is swept a day later, and so are links that have expired', async () => {
    const email = await somebody();
    await failTimes(world, 5, email, nowhere());
    await linkMailed(world, email);
    world.clock.advance(2 * DAY);
    for (let batch = 0; batch < 3; batch += 1) await world.app.get(Sweeper).sweep();
    const [left] = await world.app.get(Database).query(sql`
      SELECT (SELECT count(*)::int FROM sign_in_failures) AS failures,
             (SELECT count(*)::int FROM one_time_tokens WHERE purpose = 'unlock') AS tokens`);
    expect(left).toEqual({ failures: 0, tokens: 0 });
  });
});
