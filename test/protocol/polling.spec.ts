import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { eventually } from '../support/answers.js';
import { emptied } from '../support/outbox.js';
import { basic, World, type Answer, type TestClient } from '../support/world.js';

interface Poll {
  readonly status: number;
  readonly headers: Headers;
  readonly sets: Readonly<Record<string, string>>;
  readonly moreAvailable: boolean;
  readonly body: Answer['body'];
}

const NOW = { returnImmediately: true };
/** The number of the last receiver: each test has one of its own. */
let receivers = 0;

describe('polling for security event tokens (RFC 8936)', () => {
  let world: World;
  let node: World;
  let database: Client;
  let receiver: TestClient;

  beforeAll(async () => {
    world = await World.start();
    node = await World.start({ beside: world });
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await node.stop();
    await world.stop();
  });
  beforeEach(async () => {
    receivers += 1;
    receiver = await world.createClient({ id: `receiver-${receivers}`, moduleKey: 'projects' });
    expect((await poll(NOW)).sets).toEqual({});
    // what was written before, and could not be read yet, is not of this test
    const marker = `beginning-${receivers}`;
    await write(marker);
    await poll({ ...NOW, ack: Object.keys((await told(marker)).sets) });
  });

  const send = (body: string, { at = world, type = 'application/json', client = receiver } = {}) =>
    fetch(`${at.url}/v1/events/poll`, {
      method: 'POST',
      headers: { authorization: basic(client), 'content-type': type },
      body,
    });
  const poll = async (request: Record<string, unknown>, at = world): Promise<Poll> => {
    const response = await send(JSON.stringify(request), { at });
    const body = (await response.json()) as Answer['body'];
    return {
      status: response.status,
      headers: response.headers,
      body,
      ...(body as unknown as Pick<Poll, 'sets' | 'moreAvailable'>),
    };
  };
  const write = async (...subjects: string[]) => {
    for (const subject of subjects)
      await database.query("INSERT INTO outbox (kind, subject) VALUES ('user-disabled', $1)", [subject]);
  };
  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      jti: string;
      sub_id: { sub: string };
    };
  const subjects = ({ sets }: Poll) => Object.values(sets).map((token) => claimsOf(token).sub_id.sub);
  /** The answer once it tells of this subject; until then a transaction of whomever may hold the outbox up. */
  const told = (subject: string) =>
    eventually(async () => {
      const answer = await poll(NOW);
      return subjects(answer).includes(subject) ? answer : undefined;
    }, subject);
  /** The jti of the token about this subject. */
  const about = ({ sets }: Poll, subject: string) =>
    Object.keys(sets).find((jti) => claimsOf(sets[jti] ?? '').sub_id.sub === subject) ?? '';

  it('RFC 8936 §3: a client of a module authenticates to poll; others may not', async () => {
    expect((await fetch(`${world.url}/v1/events/poll`, { method: 'POST' })).status).toBe(401);
    expect((await send('{}', { client: { ...receiver, secret: 'wrong' } })).status).toBe(401);
    const stranger = await world.createClient({ id: `stranger-${receivers}` });
    expect((await send('{}', { client: stranger })).status).toBe(403);
  });

  it('RFC 8936 §2.5, RFC 8417 §2.3: answers signed tokens by their jti, each of its explicit type, for this receiver', async () => {
    await write('signed');
    const answer = await poll({});
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(answer.moreAvailable).toBe(false);
    const [[jti, token = ''] = ['']] = Object.entries(answer.sets);
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'secevent+jwt', alg: 'ES256' });
    const keys = (await (await fetch(`${world.url}/oauth2/jwks`)).json()) as JSONWebKeySet;
    const issuer = world.env['CORE_AUTH_URL'] ?? '';
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), { issuer, audience: receiver.id });
    expect(payload).toEqual({
      iss: issuer,
      aud: receiver.id,
      iat: expect.any(Number),
      jti,
      sub_id: { format: 'iss_sub', iss: issuer, sub: 'signed' },
      events: {
        'https://schemas.openid.net/secevent/risc/event-type/account-disabled': {
          event_timestamp: payload.iat,
        },
      },
    });
  });

  it('RFC 8936 §2.4.3: each token comes again, unchanged, on every node, until it is acknowledged, in whatever order that is', async () => {
    await write('a', 'b', 'c');
    const first = await told('c');
    expect(subjects(first)).toEqual(['a', 'b', 'c']);
    const again = await poll(NOW, node);
    expect(Object.keys(again.sets)).toEqual(Object.keys(first.sets));
    expect(subjects(await poll({ ...NOW, ack: [about(first, 'b')] }))).toEqual(['a', 'c']);
    expect(subjects(await poll(NOW, node))).toEqual(['a', 'c']);
    expect(subjects(await poll({ ...NOW, ack: [about(first, 'a')] }, node))).toEqual(['c']);
    expect(subjects(await poll({ ...NOW, ack: [about(first, 'c'), about(first, 'b'), 'unknown'] }))).toEqual(
      [],
    );
    expect(subjects(await poll(NOW))).toEqual([]);
  });

  it('RFC 8936 §2.4.2: maxEvents 0 acknowledges only, and does not wait; moreAvailable says what was left out', async () => {
    await write('a', 'b', 'c');
    await told('c');
    const two = await poll({ ...NOW, maxEvents: 2 });
    expect([subjects(two), two.moreAvailable]).toEqual([['a', 'b'], true]);
    const none = await poll({ maxEvents: 0, ack: Object.keys(two.sets) });
    expect([subjects(none), none.moreAvailable]).toEqual([[], true]);
    const last = await poll({ ...NOW, maxEvents: 2 });
    expect([subjects(last), last.moreAvailable]).toEqual([['c'], false]);
  });

  it('RFC 8936 §2.4.4: a token that the receiver refuses is settled too, and the audit tells why', async () => {
    await write('refused');
    const answer = await poll({});
    const setErrs = { [about(answer, 'refused')]: { err: 'invalid_audience', description: 'not\u0000mine' } };
    expect(subjects(await poll({ ...NOW, setErrs }))).toEqual([]);
    const { rows } = await database.query(
      "SELECT actor, target, detail FROM audit_events WHERE act = 'event.refuse' AND actor = $1",
      [receiver.id],
    );
    expect(rows).toEqual([
      {
        actor: receiver.id,
        target: 'refused',
        detail: {
          kind: 'user-disabled',
          subject: 'refused',
          organization_id: null,
          err: 'invalid_audience',
          description: 'not mine',
        },
      },
    ]);
  });

  it('RFC 8936 §2.4: unless it is to return at once, a poll waits for the first event, on whichever node it is written', async () => {
    const waiting = poll({}, node);
    const began = Date.now();
    await sleep(500);
    await world.accounts.disableUser(world.id('owner@acme.example'), 'test');
    expect(subjects(await waiting)).toEqual([world.id('owner@acme.example')]);
    expect(Date.now() - began).toBeGreaterThanOrEqual(500);
    expect(Date.now() - began).toBeLessThan(10_000);
  });

  it('a server that stops answers the polls that wait, with nothing in them', async () => {
    const short = await World.start({ beside: world });
    const waiting = poll({}, short);
    await sleep(300);
    const began = Date.now();
    await short.stop();
    expect((await waiting).body).toEqual({ sets: {}, moreAvailable: false });
    expect(Date.now() - began).toBeLessThan(15_000);
  });

  it('at most 100 are outstanding; a gap holds the place, and nothing beyond it is lost', async () => {
    await database.query(
      "INSERT INTO outbox (kind, subject) SELECT 'user-disabled', 'n-' || n FROM generate_series(1, 250) n",
    );
    await told('n-1');
    const taken: string[] = [];
    const first = await poll({ ...NOW, maxEvents: 1000 });
    expect(subjects(first)).toHaveLength(100);
    expect(first.moreAvailable).toBe(true);
    const gap = about(first, 'n-1');
    let ack = Object.keys(first.sets).filter((jti) => jti !== gap);
    expect(subjects(await poll({ ...NOW, ack }))).toEqual(['n-1']);
    ack = [gap];
    taken.push(...subjects(first));
    for (;;) {
      const next = await poll({ ...NOW, ack }, node);
      if (subjects(next).length === 0) break;
      taken.push(...subjects(next));
      ack = Object.keys(next.sets);
    }
    expect(taken).toEqual(Array.from({ length: 250 }, (_, index) => `n-${index + 1}`));
  });

  it('what concerns the nodes of the server alone is not told and holds nobody up', async () => {
    await database.query(
      "INSERT INTO outbox (kind, subject) SELECT 'keys-changed', 'key-' || n FROM generate_series(1, 350) n",
    );
    await write('after-them');
    const answer = await told('after-them');
    expect([subjects(answer), answer.moreAvailable]).toEqual([['after-them'], false]);
  });

  it('polls of one receiver at once, on two nodes, settle each event once', async () => {
    await write(...Array.from({ length: 20 }, (_, index) => `at-once-${index}`));
    const jtis = Object.keys((await told('at-once-19')).sets);
    expect(jtis).toHaveLength(20);
    const answers = await Promise.all(
      jtis.map((jti, index) => poll({ ...NOW, ack: [jti] }, index % 2 === 0 ? world : node)),
    );
    expect(answers.map(({ status }) => status)).toEqual(jtis.map(() => 200));
    expect(subjects(await poll(NOW))).toEqual([]);
  });

  describe('when events have been removed that it has not taken', () => {
    it('says so at every poll until the receiver begins anew', async () => {
      const other = await World.start();
      const module = other.client('projects');
      const client = new Client({ connectionString: other.database.url });
      await client.connect();
      const ask = async (request: Record<string, unknown>) => {
        const response = await send(JSON.stringify(request), { at: other, client: module });
        return { status: response.status, body: (await response.json()) as Answer['body'] };
      };
      expect((await ask(NOW)).status).toBe(200);
      await client.query("INSERT INTO outbox (kind, subject) VALUES ('user-disabled', 'lost')");
      await emptied(other, client);
      for (const request of [NOW, { ...NOW, ack: ['x'] }])
        expect(await ask(request)).toMatchObject({ status: 410, body: { error: 'cursor_lost' } });
      expect(await ask({ ...NOW, restart: true })).toEqual({
        status: 200,
        body: { sets: {}, moreAvailable: false },
      });
      expect((await ask(NOW)).status).toBe(200);

      await client.query('UPDATE outbox_history SET id = gen_random_uuid()');
      expect(await ask(NOW)).toMatchObject({ status: 410 });
      await client.end();
      await other.stop();
    });
  });

  it.each([
    ['malformed JSON', '{"maxEvents":'],
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a text', '"ack"'],
    ['a prototype', '{"__proto__":{"ack":[]}}'],
    ['maxEvents of another type', '{"maxEvents":"1"}'],
    ['a fraction of an event', '{"maxEvents":0.5}'],
    ['fewer events than none', '{"maxEvents":-1}'],
    ['more events than can be counted', '{"maxEvents":1e999}'],
    ['returnImmediately of another type', '{"returnImmediately":1}'],
    ['ack that is no list', '{"ack":"x"}'],
    ['ack of something else than texts', '{"ack":[1]}'],
    ['too many acknowledgements', JSON.stringify({ ack: Array.from({ length: 1001 }, (_, n) => String(n)) })],
    ['setErrs that is no object', '{"setErrs":[]}'],
    ['an error without err', '{"setErrs":{"x":{}}}'],
    ['an error of another type', '{"setErrs":{"x":{"err":{}}}}'],
    ['too large a body', JSON.stringify({ ack: ['x'.repeat(65_536)] })],
  ])('RFC 8936 §2.5.1: a request that is %s is invalid_request', async (_, body) => {
    const response = await send(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });

  it('members that it does not know are ignored', async () => {
    expect((await poll({ ...NOW, extra: { a: 1 } })).status).toBe(200);
  });

  it('JSON is taken where a route says so and nowhere else', async () => {
    const answers = await Promise.all(
      ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke', '/sign-in'].map((path) =>
        fetch(world.url + path, {
          method: 'POST',
          headers: { authorization: basic(receiver), 'content-type': 'application/json' },
          body: '{"token":"x","grant_type":"client_credentials"}',
        }),
      ),
    );
    for (const response of answers) {
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        error: 'invalid_request',
        error_description: 'The request is of a type that this address does not take.',
      });
    }
  });
});
