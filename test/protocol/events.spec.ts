import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import type { Server, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { SessionRepository } from '#sessions';
import { EventStream, OutboxRepository } from '#events';
import { Sweeper } from '../../apps/server/sweeper.js';
import { eventually } from '../support/answers.js';
import { emptied } from '../support/outbox.js';
import { EventReader } from '../support/event-reader.js';
import { basic, claimsOf, World, type TestClient } from '../support/world.js';

describe('the event stream of module guards', () => {
  let world: World;
  let node: World;
  let projects: TestClient;
  const readers: EventReader[] = [];

  beforeAll(async () => {
    world = await World.start();
    node = await World.start({ beside: world });
    projects = world.client('projects');
  });
  afterAll(async () => {
    await node.stop();
    await world.stop();
  });
  afterEach(() => readers.splice(0).forEach((reader) => reader.close()));

  const open = async (lastEventId?: string, at = world) => {
    const reader = await EventReader.open(at.url, projects, lastEventId);
    readers.push(reader);
    await reader.ready();
    return reader;
  };
  const connection = async () => {
    const client = new Client({ connectionString: world.database.url });
    await client.connect();
    return client;
  };
  const write = (client: Client, subject: string) =>
    client.query("INSERT INTO outbox (kind, subject) VALUES ('user-disabled', $1)", [subject]);
  const subjectsOf = ({ events }: EventReader) =>
    events.map(({ data = '{}' }) => (JSON.parse(data) as { sub_id: { sub: string } }).sub_id.sub);

  it('a client of a module authenticates to read it; others may not', async () => {
    expect((await fetch(`${world.url}/v1/events`)).status).toBe(401);
    expect((await EventReader.open(world.url, { ...projects, secret: 'wrong' })).response.status).toBe(401);
    const stranger = await world.createClient({ id: 'stranger' });
    expect((await EventReader.open(world.url, stranger)).response.status).toBe(403);
  });

  it('HTML §9.2: it begins with its place, is not stored by anybody, and says every second that it lives', async () => {
    const reader = await open();
    expect(reader.response.headers.get('content-type')).toBe('text/event-stream');
    expect(reader.response.headers.get('cache-control')).toBe('no-store');
    expect(await reader.ready()).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}-\d+-\d+$/),
      event: 'ready',
      data: '{}',
    });
    await eventually(() => reader.frames.find(({ comment }) => comment === 'heartbeat'), 'a heartbeat');
  });

  it('every kind of revocation is heard by the readers of every node', async () => {
    const [here, there] = [await open(), await open(undefined, node)];
    await world.createPerson('leaver@acme.example', 'Lee Leaver', { acme: 'member' });
    const { tokens, client } = await world.signedInClient();
    const { authorization_id: authorization, sid } = claimsOf(tokens.access_token);
    const machine = await world.token(client, { grant_type: 'client_credentials', scope: 'projects:read' });
    const gone = await world.createClient({ id: 'gone' });

    const began = Date.now();
    await world.revoke(client, tokens.refresh_token);
    await world.app.get(SessionRepository).end(String(sid), 'test');
    await world.revoke(client, String(machine.body['access_token']));
    await world.accounts.disableUser(world.id('leaver@acme.example'), 'test');
    await world.clients.disable(gone.id, world.clock.now(), 'test');
    await world.licenses.changeStatus(world.id('license:globex:projects'), 'suspended', 'test');
    await world.accounts.addMember(
      { userId: world.id('member@acme.example'), organizationId: world.id('globex'), role: 'member' },
      'test',
    );
    for (const reader of [here, there]) {
      await reader.next('authorization-revoked', String(authorization));
      await reader.next('session-ended', String(sid));
      await reader.next('token-revoked', String(claimsOf(String(machine.body['access_token']))['jti']));
      await reader.next('user-disabled', world.id('leaver@acme.example'));
      await reader.next('client-disabled', 'gone');
      await reader.next('license-changed', world.id('globex'));
      await reader.next('membership-changed', world.id('member@acme.example'));
    }
    // one may be told too of what was done before the stream was opened
    const { data = '' } = await here.next('license-changed', 'license.change-status');
    const claims = JSON.parse(data) as { iat: number };
    expect(claims).toEqual({
      iss: world.env['CORE_AUTH_URL'],
      iat: expect.any(Number),
      jti: expect.stringMatching(/^[\w-]{43}$/),
      aud: 'projects',
      sub_id: { format: 'complex', tenant: { format: 'opaque', id: world.id('globex') } },
      events: {
        'urn:core-auth:event-type:license-changed': {
          ...{ event_timestamp: claims.iat, act: 'license.change-status', module: 'projects' },
          license_id: world.id('license:globex:projects'),
        },
      },
    });
    expect(claims.iat).toBeGreaterThanOrEqual(Math.floor(began / 1000));
    expect(claims.iat).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it('RFC 9700 §4.14.2, OAuth 2.1 §4.1.3: the reuse of a refresh token, or of a code, is heard and audited', async () => {
    const reader = await open();
    const browser = await world.signIn('owner@acme.example');
    const [first, second] = [await world.code(projects, browser), await world.code(projects, browser)];
    const { body: refreshed } = await world.exchange(projects, first);
    const { body: exchanged } = await world.exchange(projects, second);
    await world.refresh(projects, String(refreshed['refresh_token']));
    world.clock.advance(11_000);
    await world.refresh(projects, String(refreshed['refresh_token']));
    await world.exchange(projects, second);
    const audit = await connection();
    for (const [{ access_token: token }, act] of [
      [refreshed, 'authorization.refresh-reuse'],
      [exchanged, 'authorization.code-reuse'],
    ] as const) {
      const id = String(claimsOf(String(token))['authorization_id']);
      await reader.next('authorization-revoked', id);
      const { rows } = await audit.query('SELECT actor FROM audit_events WHERE act = $1 AND target = $2', [
        act,
        id,
      ]);
      expect(rows).toEqual([{ actor: 'projects' }]);
    }
    await audit.end();
  });

  it('who signs in where somebody else was signed in ends their session, which is heard', async () => {
    const reader = await open();
    const { tokens, browser } = await world.signedInClient('owner@acme.example');
    await world.signIn('admin@globex.example', browser);
    await reader.next('session-ended', String(claimsOf(tokens.access_token)['sid']));
  });

  it('what concerns the nodes of the server alone is told to nobody outside', async () => {
    const reader = await open();
    const client = await connection();
    await client.query(
      "INSERT INTO outbox (kind, subject) VALUES ('keys-changed', 'a-key'), ('client-changed', 'x')",
    );
    await write(client, 'after-the-internal');
    await reader.next('user-disabled', 'after-the-internal');
    expect(reader.events.filter(({ event = '' }) => /^(keys|client)-changed$/.test(event))).toEqual([]);
    await client.end();
  });

  it('HTML §9.2.3: Last-Event-ID resumes after that event, on any node, without a gap or a repetition', async () => {
    const reader = await open();
    const client = await connection();
    for (const subject of ['a', 'b']) await write(client, `resume-${subject}`);
    const { id = '' } = await reader.next('user-disabled', 'resume-a');
    reader.close();
    for (const subject of ['c', 'd']) await write(client, `resume-${subject}`);
    const resumed = await open(id, node);
    await write(client, 'resume-e');
    await resumed.next('user-disabled', 'resume-e');
    expect((await resumed.ready()).id).toBe(id);
    expect(subjectsOf(resumed)).toEqual(['resume-b', 'resume-c', 'resume-d', 'resume-e']);
    await client.end();
  });

  it('a slow transaction delays those after it and is not skipped: its event comes, once, in order', async () => {
    const reader = await open();
    const [slow, quick] = [await connection(), await connection()];
    await slow.query('BEGIN');
    await write(slow, 'slow-1');
    await write(quick, 'quick-1');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(subjectsOf(reader)).toEqual([]);
    await write(slow, 'slow-2');
    await slow.query('COMMIT');
    await reader.next('user-disabled', 'quick-1');
    await write(quick, 'quick-2');
    await reader.next('user-disabled', 'quick-2');
    expect(subjectsOf(reader)).toEqual(['slow-1', 'slow-2', 'quick-1', 'quick-2']);
    await Promise.all([slow.end(), quick.end()]);
  });

  it('a reader that connects while a transaction is open hears its event when it ends', async () => {
    const slow = await connection();
    await slow.query('BEGIN');
    await write(slow, 'before-me');
    const reader = await open();
    await slow.query('COMMIT');
    await reader.next('user-disabled', 'before-me');
    await slow.end();
  });

  it('what was rolled back is never heard', async () => {
    const reader = await open();
    const client = await connection();
    await client.query('BEGIN');
    await write(client, 'rolled-back');
    await client.query('ROLLBACK');
    await write(client, 'committed');
    await reader.next('user-disabled', 'committed');
    expect(subjectsOf(reader)).toEqual(['committed']);
    await client.end();
  });

  it('many events at once all come, in order: to who listens and to who resumes', async () => {
    const reader = await open();
    const { id } = await reader.ready();
    const client = await connection();
    await client.query(
      "INSERT INTO outbox (kind, subject) SELECT 'user-disabled', 'many-' || n FROM generate_series(1, 1200) n",
    );
    await write(client, 'many-last');
    await reader.next('user-disabled', 'many-last');
    const resumed = await open(id, node);
    await resumed.next('user-disabled', 'many-last');
    const expected = [...Array.from({ length: 1200 }, (_, index) => `many-${index + 1}`), 'many-last'];
    expect(subjectsOf(reader)).toEqual(expected);
    expect(subjectsOf(resumed)).toEqual(expected);
    await client.end();
  });

  it.each([
    'x',
    '1',
    '-1-1',
    '1-1-1',
    "1-1'; --",
    '99999999999999999999-1',
    '1-9999999999999999999',
    '0123456789ABCDEF-1-1',
    '0123-1-1',
  ])('a Last-Event-ID that is no cursor of ours is invalid_request: %s', async (lastEventId) => {
    const reader = await EventReader.open(world.url, projects, lastEventId);
    readers.push(reader);
    expect(reader.response.status).toBe(400);
    expect(await reader.response.json()).toMatchObject({ error: 'invalid_request' });
  });

  const resume = async (lastEventId: string) => {
    const reader = await EventReader.open(world.url, projects, lastEventId);
    readers.push(reader);
    return reader.response;
  };

  it('a cursor of another history cannot be resumed, however near the present: what it missed is not known', async () => {
    const client = await connection();
    const { id = '' } = await (await open()).ready();
    expect((await resume(id)).status).toBe(200);
    const { rows } = await client.query<{ id: string }>('SELECT id FROM outbox_history');
    await client.query('UPDATE outbox_history SET id = gen_random_uuid()');
    const refused = await resume(id);
    expect(refused.status).toBe(410);
    expect(await refused.json()).toMatchObject({ error: 'cursor_lost' });
    const [, cursor = ''] = /^[0-9a-f]+-(.*)$/.exec(id) ?? [];
    expect((await resume(`0123456789abcdef-${cursor}`)).status).toBe(410);
    await client.query('UPDATE outbox_history SET id = $1', [rows[0]?.id]);
    expect((await resume(id)).status).toBe(200);
    await client.end();
  });

  it('when the database goes on from another past, a node forgets what it remembered of it, ends its readers, and hears what happens from then on', async () => {
    const client = await connection();
    const reader = await open();
    const { id: place = '' } = await reader.ready();
    const { client: person, tokens } = await world.signedInClient('owner@acme.example');
    const machine = await world.createClient({
      id: 'of-another-past',
      moduleKey: 'projects',
      grantTypes: ['client_credentials'],
      scopes: ['projects:read'],
    });
    const asked = async () => ({
      machine: (await world.token(machine, { grant_type: 'client_credentials', scope: 'projects:read' }))
        .status,
      person: (await world.refresh(person, tokens.refresh_token)).status,
    });
    // what is still to be heard would make the node forget too early
    await world.heard();
    expect(await asked()).toEqual({ machine: 200, person: 200 });
    // in the backup it was so, and nothing that comes after tells of it
    const license = world.id('license:acme:projects');
    await client.query('UPDATE clients SET disabled_at = now() WHERE id = $1', [machine.id]);
    await client.query("UPDATE licenses SET status = 'suspended' WHERE id = $1", [license]);
    expect(await asked()).toEqual({ machine: 200, person: 200 });
    await client.query('UPDATE outbox_history SET id = gen_random_uuid()');
    await eventually(() => (reader.ended ? true : undefined), 'the end of the stream');
    await eventually(async () => {
      const { machine: client, person: member } = await asked();
      return client === 401 && member === 400 ? true : undefined;
    }, 'what holds by now');
    expect((await resume(place)).status).toBe(410);
    await client.query("UPDATE licenses SET status = 'issued' WHERE id = $1", [license]);
    for (const at of [world, node]) {
      await eventually(async () => {
        const follower = await open(undefined, at);
        const subject = randomUUID();
        await write(client, subject);
        // ended: this node has noticed only now
        const outcome = await eventually(
          () => (follower.ended ? 'ended' : subjectsOf(follower).includes(subject) ? 'heard' : undefined),
          'one or the other',
        );
        return outcome === 'heard' ? true : undefined;
      }, 'what happens from then on');
    }
    await client.end();
  });

  it('what names a history can be read by a role that is no superuser', async () => {
    const client = await connection();
    await client.query('BEGIN');
    await client.query('SET LOCAL ROLE pg_signal_backend');
    const { rows } = await client.query(
      'SELECT system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline FROM pg_control_system()',
    );
    expect(rows).toEqual([{ system_identifier: expect.stringMatching(/^\d+$/), timeline: '00000001' }]);
    await client.query('ROLLBACK');
    await client.end();
  });

  it('a cursor that is ahead of this history cannot be resumed, nor one from before histories had names', async () => {
    const { id = '' } = await (await open()).ready();
    expect((await resume(id.replace(/-\d+-/, '-999999999-'))).status).toBe(410);
    expect((await resume(id.replace(/^[0-9a-f]+-/, ''))).status).toBe(410);
  });

  it('what nobody can have read yet, since an earlier transaction is still open, is not removed', async () => {
    const other = await World.start();
    const [slow, quick] = [0, 1].map(() => new Client({ connectionString: other.database.url })) as [
      Client,
      Client,
    ];
    await Promise.all([slow.connect(), quick.connect()]);
    await emptied(other, quick);
    await slow.query('BEGIN');
    await slow.query('SELECT pg_current_xact_id()');
    await write(quick, 'unread');
    const prune = () => other.app.get(OutboxRepository).prune(new Date(Date.now() + 60_000), 1000);
    expect(await prune()).toBe(0);
    await slow.query('ROLLBACK');
    await emptied(other, quick);
    await Promise.all([slow.end(), quick.end()]);
    await other.stop();
  });

  it('a cursor from before what was removed cannot be resumed; one from after it can, though nothing is left', async () => {
    const other = await World.start();
    const reader = await EventReader.open(other.url, other.client('projects'));
    readers.push(reader);
    const { id: before = '' } = await reader.ready();
    const client = new Client({ connectionString: other.database.url });
    await client.connect();
    await write(client, 'removed');
    const { id: after = '' } = await reader.next('user-disabled', 'removed');
    await emptied(other, client);
    const statusOf = async (lastEventId: string) => {
      const resumed = await EventReader.open(other.url, other.client('projects'), lastEventId);
      readers.push(resumed);
      return resumed.response.status;
    };
    expect(await statusOf(before)).toBe(410);
    expect(await statusOf(after)).toBe(200);
    await client.end();
    readers.splice(0).forEach((each) => each.close());
    await other.stop();
  });

  it('an event is kept until every access token that it can concern has expired, and then removed', async () => {
    const other = await World.start();
    const first = await EventReader.open(other.url, other.client('projects'));
    readers.push(first);
    const { id } = await first.ready();
    const { client, tokens } = await other.signedInClient();
    await other.revoke(client, tokens.access_token);
    const resumed = async () => {
      const reader = await EventReader.open(other.url, other.client('projects'), id);
      readers.push(reader);
      return reader;
    };
    const sweepAfter = (seconds: number) => {
      other.clock.advance(seconds * 1000);
      return other.app.get(Sweeper).sweep();
    };
    await sweepAfter(tokens.expires_in);
    await (
      await resumed()
    ).next('authorization-revoked', String(claimsOf(tokens.access_token)['authorization_id']));
    await sweepAfter(2 * 3600);
    expect((await resumed()).response.status).toBe(410);
    readers.splice(0).forEach((each) => each.close());
    await other.stop();
  });

  it('the stream of a client that is disabled ends', async () => {
    const module = await world.createClient({ id: 'ending-module', moduleKey: 'projects' });
    const reader = await EventReader.open(world.url, module);
    await reader.ready();
    await world.clients.disable(module.id, world.clock.now(), 'test');
    await eventually(() => reader.ended || undefined, 'the end of the stream');
  });

  it('a reader that goes away before its stream begins leaves nothing behind', async () => {
    const { listeners } = world.app.get<{ listeners: ReadonlySet<unknown> }>(EventStream);
    const before = listeners.size;
    const holder = await connection();
    await holder.query('BEGIN; LOCK TABLE outbox_history IN ACCESS EXCLUSIVE MODE');
    const waiting = async () => {
      const { rows } = await holder.query<{ count: number }>(
        "SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted AND relation = 'outbox_history'::regclass",
      );
      return rows[0]?.count ?? 0;
    };
    // both nodes look there for themselves
    await eventually(async () => (await waiting()) === 2 || undefined, 'the nodes to wait');
    const server = world.app.getHttpServer() as Server;
    const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const leaving = get(`${world.url}/v1/events`, {
      agent: false,
      headers: { authorization: basic(projects) },
    });
    leaving.on('error', () => undefined);
    const socket = await connected;
    await eventually(async () => (await waiting()) === 3 || undefined, 'the reader to wait');
    const gone = once(socket, 'close');
    leaving.destroy();
    await gone;
    await holder.query('COMMIT');
    await holder.end();
    await world.heard();
    expect(listeners.size).toBe(before);
  });

  it('a server that stops ends its streams', async () => {
    const short = await World.start({ beside: world });
    const reader = await EventReader.open(short.url, projects);
    await reader.ready();
    await short.stop();
    await eventually(() => reader.ended || undefined, 'the end of the stream');
  });
});
