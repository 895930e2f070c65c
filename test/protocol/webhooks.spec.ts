import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { Webhook } from 'standardwebhooks';
import { DeliveryRepository } from '#events';
import { Database } from '#platform';
import { Sweeper } from '../../apps/server/sweeper.js';
import { eventually } from '../support/answers.js';
import { TestClock } from '../support/test-clock.js';
import { WebhookReceiver, type ReceivedWebhook } from '../support/webhook-receiver.js';
import { basic, World, type Answer, type TestClient } from '../support/world.js';

const A_DAY = 86_400_000;

interface Registered {
  readonly id: string;
  readonly secret: string;
}
interface LogEntry {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly latency_ms: number | null;
}

describe('webhooks (Standard Webhooks)', () => {
  let world: World;
  let receiver: WebhookReceiver;
  let database: Client;
  let count = 0;

  beforeAll(async () => {
    world = await World.start();
    receiver = await WebhookReceiver.start();
    database = await connection();
    // what happened while the world was made is still being read: the first webhook may be told of it
    await register();
    const subject = await publish();
    await eventually(() => receiver.received.find(({ body }) => body.includes(subject)), 'the present');
    await nothingWaits();
    await forget();
  });
  afterAll(async () => {
    await database.end();
    await world.stop();
    await receiver.stop();
  });
  const forget = async () => {
    await database.query('DELETE FROM webhooks');
    receiver.received.length = 0;
    receiver.answers.length = 0;
    receiver.hangs = false;
  };
  afterEach(forget);

  const ask = async (path: string, client: TestClient, method = 'GET', at = world): Promise<Answer> => {
    const response = await fetch(`${at.url}${path}`, { method, headers: { authorization: basic(client) } });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
  };
  const projects = () => world.client('projects');
  const register = async (fields: Readonly<Record<string, string>> = {}, client = projects()) => {
    const { status, body } = await world.call('/v1/webhooks', client, { url: receiver.url, ...fields });
    if (status !== 201) throw new Error(`registration answered ${status}: ${JSON.stringify(body)}`);
    return body as unknown as Registered;
  };
  /** Something happens: each time another thing. @returns its subject */
  const publish = async (kind = 'user-disabled') => {
    count += 1;
    const subject = `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
    await database.query('INSERT INTO outbox (kind, subject) VALUES ($1, $2)', [kind, subject]);
    return subject;
  };
  const heard = (number = 1, from = receiver): Promise<ReceivedWebhook[]> =>
    eventually(() => (from.received.length >= number ? from.received : undefined), `${number} webhooks`);
  const log = async (id: string, cursor?: string, client = projects()) => {
    const { body } = await ask(`/v1/webhooks/${id}/deliveries${cursor ? `?cursor=${cursor}` : ''}`, client);
    return body as unknown as {
      deliveries: LogEntry[];
      next_cursor: string | null;
      summary: Record<string, number | null>;
    };
  };
  const logged = (id: string, wanted: (entry: LogEntry) => boolean) =>
    eventually(async () => (await log(id)).deliveries.find(wanted), 'the entry of the log');
  const connection = async () => {
    const client = new Client({ connectionString: world.database.url });
    await client.connect();
    return client;
  };
  const nothingWaits = () =>
    eventually(async () => {
      const { rows } = await database.query(
        'SELECT FROM deliveries WHERE delivered_at IS NULL AND failed_at IS NULL',
      );
      return rows.length === 0 || undefined;
    }, 'the end of all deliveries');
  const aWhile = () => new Promise((resolve) => setTimeout(resolve, 1300));

  describe('registration', () => {
    it('answers 201 with the secret, once: afterwards nobody reads it, in the database neither', async () => {
      const { status, headers, body } = await world.call('/v1/webhooks', projects(), {
        url: receiver.url,
        kinds: 'session-ended user-disabled',
      });
      expect(status).toBe(201);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toEqual({
        id: expect.any(String),
        url: receiver.url,
        kinds: expect.arrayContaining(['session-ended', 'user-disabled']),
        created_at: world.clock.now().toISOString(),
        disabled_at: null,
        secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      });
      const list = await ask('/v1/webhooks', projects());
      const { secret, ...shown } = body;
      expect(list.body).toEqual({ webhooks: [shown] });
      const { rows } = await database.query('SELECT * FROM webhooks');
      expect(JSON.stringify(rows)).not.toContain(String(secret).slice(6, 30));
      const audit = await database.query(
        "SELECT actor, target FROM audit_events WHERE act = 'webhook.create'",
      );
      expect(audit.rows).toContainEqual({ actor: 'projects', target: body['id'] });
    });

    it('is for confidential clients of modules, each of which sees its own alone', async () => {
      const { id } = await register();
      expect((await fetch(`${world.url}/v1/webhooks`, { method: 'POST' })).status).toBe(401);
      const stranger = await world.createClient({ id: 'stranger' });
      const publicClient = await world.createClient({
        id: 'public',
        moduleKey: 'projects',
        secretSha256: null,
        grantTypes: ['authorization_code'],
      });
      for (const client of [stranger, publicClient]) {
        const answer = await world.call('/v1/webhooks', client, { url: receiver.url });
        expect([answer.status, answer.body['error']]).toEqual([403, 'access_denied']);
      }
      const reports = world.client('reports');
      expect((await ask('/v1/webhooks', reports)).body).toEqual({ webhooks: [] });
      for (const [path, method] of [
        ['', 'DELETE'],
        ['/secret', 'POST'],
        ['/ping', 'POST'],
        ['/deliveries', 'GET'],
        ['/deliveries/00000000-0000-4000-8000-000000000000/retry', 'POST'],
      ] as const) {
        expect((await ask(`/v1/webhooks/${id}${path}`, reports, method)).status).toBe(404);
        expect((await ask(`/v1/webhooks/not-a-uuid${path}`, projects(), method)).status).toBe(404);
      }
      expect((await ask('/v1/webhooks', projects())).body['webhooks']).toHaveLength(1);
    });

    it.each([
      ['a missing URL', ''],
      ['an empty URL', 'url='],
      ['two URLs', 'url=https%3A%2F%2Fa.example&url=https%3A%2F%2Fb.example'],
      ['no URL', 'url=hooks'],
      ['another scheme', 'url=ftp%3A%2F%2Fa.example'],
      ['http to anywhere', 'url=http%3A%2F%2F93.184.216.34%2F'],
      ['user information', 'url=https%3A%2F%2Fu%3Ap%40a.example'],
      ['a line feed', 'url=https%3A%2F%2Fa.exa%0Ample%2F'],
      ['a NUL', 'url=https%3A%2F%2Fa.example%2F%00'],
      ['64 KiB', `url=https%3A%2F%2Fa.example%2F${'x'.repeat(65_536)}`],
      ['a private address', 'url=https%3A%2F%2F10.0.0.1%2F'],
      ['the metadata of a cloud', 'url=https%3A%2F%2F169.254.169.254%2Flatest'],
      ['a private address spelled as a number', 'url=https%3A%2F%2F167772161%2F'],
      ['a private address mapped into IPv6', 'url=https%3A%2F%2F%5B%3A%3Affff%3A10.0.0.1%5D%2F'],
      ['a kind that there is not', 'url=https%3A%2F%2F93.184.216.34%2F&kinds=everything'],
      ['kinds twice', 'url=https%3A%2F%2F93.184.216.34%2F&kinds=session-ended&kinds=user-disabled'],
      ['kinds that nobody is told', 'url=https%3A%2F%2F93.184.216.34%2F&kinds=keys-changed'],
    ])('refuses %s as invalid_request and keeps nothing', async (_what, body) => {
      const response = await fetch(`${world.url}/v1/webhooks`, {
        method: 'POST',
        headers: { authorization: basic(projects()), 'content-type': 'application/x-www-form-urlencoded' },
        body,
      });
      expect([400, 413]).toContain(response.status);
      expect(await response.json()).toMatchObject({ error: expect.any(String) });
      expect((await ask('/v1/webhooks', projects())).body).toEqual({ webhooks: [] });
    });

    it('a client has ten at most, however many it asks for at once', async () => {
      for (let number = 0; number < 9; number += 1) await register();
      // another registration that has come as far as its commit
      const other = await connection();
      await other.query('BEGIN');
      await other.query("SELECT FROM clients WHERE id = 'projects' FOR NO KEY UPDATE");
      await other.query(`
        INSERT INTO webhooks (id, client_id, url, secret_envelope, created_at)
        SELECT gen_random_uuid(), client_id, url, secret_envelope, created_at FROM webhooks LIMIT 1`);
      const asked = world.call('/v1/webhooks', projects(), { url: receiver.url });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await other.query('COMMIT');
      await other.end();
      const { status, body } = await asked;
      expect([status, body['error']]).toEqual([409, 'too_many_webhooks']);
      expect((await ask('/v1/webhooks', projects())).body['webhooks']).toHaveLength(10);
    });

    it('what is removed is told of nothing more, what waits for it is given up', async () => {
      const { id } = await register();
      receiver.answers.push({ status: 500 });
      await publish();
      await logged(id, ({ last_status }) => last_status === 500);
      expect((await ask(`/v1/webhooks/${id}`, projects(), 'DELETE')).status).toBe(204);
      world.clock.advance(11_000);
      await eventually(async () => {
        const { rows } = await database.query(
          'SELECT FROM deliveries WHERE target = $1 AND failed_at IS NOT NULL',
          [id],
        );
        return rows.length === 1 || undefined;
      }, 'the end of the delivery');
      expect(receiver.received).toHaveLength(1);
    });
  });

  describe('deliveries', () => {
    it('an event arrives signed, which the verifier of Standard Webhooks confirms: type, timestamp and the claims of a security event', async () => {
      const { secret, id } = await register();
      const subject = await publish();
      const [{ headers, body } = { headers: {}, body: '' }] = await heard();
      const content = new Webhook(secret).verify(body, { ...headers });
      expect(headers['content-type']).toBe('application/json');
      expect(content).toEqual({
        type: 'user-disabled',
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        data: {
          iss: world.url,
          aud: 'projects',
          iat: expect.any(Number),
          jti: expect.any(String),
          sub_id: { format: 'iss_sub', iss: world.url, sub: subject },
          events: {
            'https://schemas.openid.net/secevent/risc/event-type/account-disabled': {
              event_timestamp: expect.any(Number),
            },
          },
        },
      });
      expect(() => new Webhook(secret).verify(`${body} `, { ...headers })).toThrow();
      const entry = await logged(id, ({ state }) => state === 'delivered');
      expect(entry).toMatchObject({
        id: headers['webhook-id'],
        type: 'user-disabled',
        attempts: 1,
        last_status: 200,
      });
    });

    it('a webhook gets the kinds that it asked for, and never those that concern the nodes alone', async () => {
      await register({ kinds: 'session-ended' });
      await publish('keys-changed');
      await publish('user-disabled');
      const subject = await publish('session-ended');
      const [first] = await heard();
      expect(first?.body).toContain(subject);
      await aWhile();
      expect(receiver.received).toHaveLength(1);
      await register();
      await publish('keys-changed');
      await publish('user-disabled');
      await heard(2);
      await aWhile();
      expect(
        receiver.received.slice(1).map(({ body }) => (JSON.parse(body) as { type: string }).type),
      ).toEqual(['user-disabled']);
    });

    it('a receiver that is away and comes back misses nothing', async () => {
      const { id } = await register();
      const { resume } = await receiver.pause();
      const subjects = [await publish(), await publish()];
      const entry = await logged(id, ({ last_error }) => last_error !== null);
      expect(entry).toMatchObject({ state: 'waiting', last_error: 'ECONNREFUSED', last_status: null });
      await resume();
      world.clock.advance(11_000);
      const bodies = (await heard(2)).map(({ body }) => body).join();
      expect(subjects.every((subject) => bodies.includes(subject))).toBe(true);
    });

    it('webhook-id and the body are the same at every attempt; a redirect is not followed but a failure', async () => {
      const { id } = await register();
      receiver.answers.push({ status: 500 }, { status: 302, headers: { location: receiver.url } });
      await publish();
      await heard();
      await logged(id, ({ last_status }) => last_status === 500);
      world.clock.advance(9_000);
      await aWhile();
      expect(receiver.received).toHaveLength(1);
      world.clock.advance(1_000);
      await heard(2);
      await logged(id, ({ last_status }) => last_status === 302);
      expect(receiver.received).toHaveLength(2);
      world.clock.advance(20_000);
      await heard(3);
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3);
      await logged(id, ({ state, attempts }) => state === 'delivered' && attempts === 3);
    });

    it.each([429, 503])('RFC 9110 §10.2.3: Retry-After of a %d is kept', async (status) => {
      const { id } = await register();
      receiver.answers.push({ status, headers: { 'retry-after': '120' } });
      await publish();
      await logged(id, ({ last_status }) => last_status === status);
      world.clock.advance(119_000);
      await aWhile();
      expect(receiver.received).toHaveLength(1);
      world.clock.advance(2_000);
      await heard(2);
    });

    it('410 disables the webhook: it is told of nothing more', async () => {
      const { id } = await register();
      receiver.answers.push({ status: 410 });
      await publish();
      await logged(id, ({ state, last_status }) => state === 'failed' && last_status === 410);
      const { webhooks } = (await ask('/v1/webhooks', projects())).body as {
        webhooks: Record<string, unknown>[];
      };
      expect(webhooks[0]?.['disabled_at']).toBe(world.clock.now().toISOString());
      await publish();
      await aWhile();
      expect(receiver.received).toHaveLength(1);
      const ping = await ask(`/v1/webhooks/${id}/ping`, projects(), 'POST');
      expect([ping.status, ping.body['error']]).toEqual([409, 'webhook_disabled']);
    });

    it('a client that is disabled is told of nothing more', async () => {
      const leaving = await world.createClient({ id: 'leaving', moduleKey: 'projects' });
      const { id } = await register({}, leaving);
      await world.clients.disable(leaving.id, world.clock.now(), 'test');
      await publish();
      await aWhile();
      expect(receiver.received).toHaveLength(0);
      expect((await database.query('SELECT FROM deliveries WHERE target = $1', [id])).rows).toHaveLength(0);
    });

    it('a receiver that hangs does not hold up the others', async () => {
      const slow = await WebhookReceiver.start();
      slow.hangs = true;
      await register({ url: slow.url });
      for (let event = 0; event < 40; event += 1) await publish();
      await heard(4, slow);
      await register({}, world.client('reports'));
      const subject = await publish();
      await eventually(() => receiver.received.find(({ body }) => body.includes(subject)), 'the other');
      // it came before one that hangs was given up; and not more at once are given to it than a few
      expect(slow.received.length).toBeLessThanOrEqual(4);
      await database.query('DELETE FROM webhooks');
      await slow.stop();
    });
  });

  describe('nothing is lost and nothing sent twice', () => {
    it('two nodes share the work: each event arrives once', async () => {
      const node = await World.start({ beside: world });
      await register();
      for (let event = 0; event < 60; event += 1) await publish();
      await heard(60);
      await aWhile();
      expect(receiver.received).toHaveLength(60);
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(60);
      await node.stop();
    });

    it('an event whose reader dies before it has made the delivery is read again by another', async () => {
      const [happening, dying] = [await connection(), await connection()];
      await register();
      const subject = '00000000-0000-4000-8000-999999999999';
      // in a transaction older than the dying reader's, which therefore does not hold the event back by itself
      await happening.query('BEGIN');
      await happening.query("INSERT INTO outbox (kind, subject) VALUES ('user-disabled', $1)", [subject]);
      await dying.query('BEGIN');
      await dying.query('SELECT 1 FROM outbox_readers FOR UPDATE');
      await happening.query('COMMIT');
      await aWhile();
      expect(receiver.received).toHaveLength(0);
      await dying.query('ROLLBACK');
      await Promise.all([happening.end(), dying.end()]);
      const [webhook] = await heard();
      expect(webhook?.body).toContain(subject);
    });

    it('an event whose deliveries cannot be written is not passed over', async () => {
      await register();
      await database.query(`
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION refuse()`);
      const subject = await publish();
      await aWhile();
      expect(receiver.received).toHaveLength(0);
      await database.query('DROP TRIGGER refuse ON deliveries; DROP FUNCTION refuse');
      const [webhook] = await heard();
      expect(webhook?.body).toContain(subject);
    });

    it('a delivery whose sender dies is sent by another once the lease is over', async () => {
      const { id } = await register();
      receiver.answers.push({ status: 500 });
      await publish();
      await logged(id, ({ last_status }) => last_status === 500);
      // a sender whose clock is ahead takes it before anybody else would, and is never heard of again
      const ahead = new TestClock(new Date(world.clock.now().getTime() + 10_000));
      const dying = new DeliveryRepository(world.app.get(Database), ahead);
      const taken = await dying.lease({ kinds: ['webhook'], limit: 1000, perTarget: 10, busy: [] });
      expect(taken.filter(({ target }) => target === id)).toMatchObject([{ attempts: 2 }]);
      world.clock.advance(69_000);
      await aWhile();
      expect(receiver.received).toHaveLength(1);
      world.clock.advance(1_000);
      await heard(2);
      await logged(id, ({ state, attempts }) => state === 'delivered' && attempts === 3);
    });

    it('a sender that comes back after its lease does not settle what another has taken over', async () => {
      const { id } = await register();
      receiver.hangs = true;
      await publish();
      await heard();
      await database.query('UPDATE deliveries SET attempts = 5 WHERE target = $1', [id]);
      await new Promise((resolve) => setTimeout(resolve, 5500));
      const [entry] = (await log(id)).deliveries;
      expect(entry).toMatchObject({ state: 'waiting', attempts: 5, last_error: null });
    });
  });

  describe('secrets', () => {
    it('a new secret signs beside the old one for a day, then alone; the old one is forgotten', async () => {
      const { id, secret: old } = await register();
      const { status, body: rotated } = await ask(`/v1/webhooks/${id}/secret`, projects(), 'POST');
      expect(status).toBe(200);
      const fresh = String(rotated['secret']);
      expect(fresh).not.toBe(old);
      await publish();
      const signedBy = ({ headers, body }: ReceivedWebhook) =>
        [fresh, old].filter((secret) => {
          const at = new Date(Number(headers['webhook-timestamp']) * 1000);
          const signature = new Webhook(secret).sign(headers['webhook-id'] ?? '', at, body);
          return headers['webhook-signature']?.split(' ').includes(signature);
        });
      const [during] = await heard();
      expect(during && signedBy(during)).toEqual([fresh, old]);
      world.clock.advance(A_DAY + 1000);
      await publish();
      const after = (await heard(2))[1];
      expect(after && signedBy(after)).toEqual([fresh]);
      expect(after?.headers['webhook-signature']).not.toContain(' ');
      await world.app.get(Sweeper).sweep();
      const { rows } = await database.query('SELECT previous_secret_envelope FROM webhooks WHERE id = $1', [
        id,
      ]);
      expect(rows).toEqual([{ previous_secret_envelope: null }]);
    });
  });

  describe('the delivery log', () => {
    it('shows every delivery, newest first, page by page, and how they fare', async () => {
      const { id } = await register();
      receiver.answers.push({ status: 500 });
      for (let event = 0; event < 60; event += 1) await publish();
      await heard(60);
      await eventually(
        async () => (await log(id)).summary['delivered'] === 59 || undefined,
        'the deliveries',
      );
      const first = await log(id);
      const second = await log(id, first.next_cursor ?? '');
      expect([first.deliveries.length, second.deliveries.length, second.next_cursor]).toEqual([50, 10, null]);
      const ids = [...first.deliveries, ...second.deliveries].map((entry) => entry.id);
      expect(new Set(ids)).toEqual(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])));
      expect(first.summary).toEqual({
        waiting: 1,
        oldest_waiting_seconds: expect.any(Number),
        delivered: 59,
        failed: 0,
        latency_p50_ms: expect.any(Number),
        latency_p95_ms: expect.any(Number),
      });
      expect(first.summary['latency_p50_ms']).toBeLessThan(5000);
      expect(Number(first.summary['latency_p95_ms'])).toBeGreaterThanOrEqual(
        Number(first.summary['latency_p50_ms']),
      );
      for (const cursor of ['x', '1_2', `99999999999999_${id}x`]) {
        expect((await ask(`/v1/webhooks/${id}/deliveries?cursor=${cursor}`, projects())).status).toBe(400);
      }
    });

    it('what was given up can be sent again, with the same webhook-id', async () => {
      const { id } = await register();
      receiver.answers.push({ status: 500 }, { status: 500 });
      await publish();
      const { id: delivery } = await logged(id, ({ last_status }) => last_status === 500);
      await database.query('UPDATE deliveries SET attempts = 15 WHERE id = $1', [delivery]);
      world.clock.advance(11_000);
      await logged(id, ({ state, attempts }) => state === 'failed' && attempts === 16);
      world.clock.advance(3_600_000);
      await aWhile();
      expect(receiver.received).toHaveLength(2);
      const retry = await ask(`/v1/webhooks/${id}/deliveries/${delivery}/retry`, projects(), 'POST');
      expect([retry.status, retry.body]).toEqual([202, { id: delivery }]);
      expect((await heard(3))[2]?.headers['webhook-id']).toBe(delivery);
      await logged(id, ({ state, attempts }) => state === 'delivered' && attempts === 1);
      const none = '00000000-0000-4000-8000-000000000000';
      expect((await ask(`/v1/webhooks/${id}/deliveries/${none}/retry`, projects(), 'POST')).status).toBe(404);
    });

    it('a ping arrives like an event', async () => {
      const { id, secret } = await register({ kinds: 'session-ended' });
      const { status, body } = await ask(`/v1/webhooks/${id}/ping`, projects(), 'POST');
      expect(status).toBe(202);
      const [ping] = await heard();
      expect(ping?.headers['webhook-id']).toBe(body['id']);
      expect(JSON.parse(ping?.body ?? '')).toMatchObject({ type: 'ping', data: { aud: 'projects' } });
      expect(secret).toMatch(/^whsec_/);
      expect(await logged(id, ({ state }) => state === 'delivered')).toMatchObject({ type: 'ping' });
    });

    it('a delivery is not tried for longer than three days, and its entry is removed a week after its end', async () => {
      const { id } = await register();
      receiver.answers.push({ status: 500 }, { status: 500 });
      await publish();
      await logged(id, ({ last_status }) => last_status === 500);
      world.clock.advance(3 * A_DAY - 5000);
      await logged(id, ({ state, attempts }) => state === 'failed' && attempts === 2);
      world.clock.advance(7 * A_DAY - 1000);
      await world.app.get(Sweeper).sweep();
      expect((await log(id)).deliveries).toHaveLength(1);
      world.clock.advance(2000);
      await world.app.get(Sweeper).sweep();
      expect((await log(id)).deliveries).toHaveLength(0);
      const { rows } = await database.query(
        'SELECT FROM deliveries WHERE failed_at IS NULL AND delivered_at IS NULL',
      );
      expect(rows).toHaveLength(0);
    });
  });
});
