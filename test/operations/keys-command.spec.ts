import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Database, KeyEncryption } from '#platform';
import { EnvelopeRepository } from '../../apps/cli/envelopes.repository.js';
import { BuiltProcess } from '../support/built-process.js';
import { createDatabase } from '../support/database.js';
import { present, setUpApp, withPassword } from '../support/factors.js';
import { World, type TestClient } from '../support/world.js';

jest.setTimeout(120_000);

interface KeyRow {
  kid: string;
  purpose: string;
  algorithm: string;
  number: number;
  secret_envelope: string;
}

const keyEncryptionKey = (kid: string) => `${kid}:${randomBytes(32).toString('base64url')}`;
const [old, next] = [keyEncryptionKey('old'), keyEncryptionKey('new')];

describe('core-auth keys', () => {
  let world: World;
  let client: TestClient;
  let database: Client;

  beforeAll(async () => {
    world = await World.start({ env: { CORE_AUTH_KEY_ENCRYPTION_KEYS: old } });
    client = world.client('projects');
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await world.stop();
  });

  async function keys(
    args: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ code: number | null; said: string }> {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['keys', ...args.split(' ').filter(Boolean)],
      env: { DATABASE_URL: world.database.url, CORE_AUTH_KEY_ENCRYPTION_KEYS: old, ...env },
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }

  const rows = async () =>
    (await database.query<KeyRow>('SELECT * FROM keys ORDER BY purpose, algorithm, number')).rows;
  const audited = async (act: string) =>
    (
      await database.query<{ target: string }>(
        "SELECT target FROM audit_events WHERE act = $1 AND actor = 'cli' ORDER BY id",
        [act],
      )
    ).rows.map(({ target }) => target);
  const published = async () => {
    const response = await fetch(`${world.url}/oauth2/jwks`);
    return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  };
  const machineToken = async () =>
    String(
      (await world.token(client, { grant_type: 'client_credentials', scope: 'projects:read' })).body[
        'access_token'
      ],
    );
  const isActive = async (token: string) => (await world.introspect(client, token)).body['active'];
  async function within(milliseconds: number, holds: () => Promise<boolean>): Promise<boolean> {
    const end = Date.now() + milliseconds;
    while (Date.now() < end) {
      if (await holds()) return true;
      await sleep(20);
    }
    return false;
  }

  it('says what it can do and changes nothing when the arguments are wrong', async () => {
    const before = await rows();
    const wrong = ['', 'destroy', 'list all', 'revoke', 'rotate --purpose mac --algorithm ES256', 'rewrap x'];
    const answers = await Promise.all(wrong.map((args) => keys(args)));
    for (const answer of answers) {
      expect(answer).toEqual({ code: 1, said: expect.stringContaining('Usage: core-auth keys') });
    }
    expect(await rows()).toEqual(before);
  });

  it('list shows every key, what it does and what encrypts it, and no secret', async () => {
    const { code, said } = await keys('list');
    expect(code).toBe(0);
    for (const { kid, purpose, algorithm, secret_envelope: envelope } of await rows()) {
      expect(said).toMatch(new RegExp(`^${kid} +${purpose} +${algorithm} +signs +old$`, 'm'));
      expect(said).not.toContain(envelope.split('.')[3]);
    }
    expect(said.split('\n')).toHaveLength(6);
  });

  it('list and rotate say that there is nothing yet before the first start of a server', async () => {
    const empty = await createDatabase();
    const env = { DATABASE_URL: empty.url };
    expect(await keys('list', env)).toEqual({
      code: 0,
      said: 'There are no keys yet: the server makes them at its first start.',
    });
    expect(await keys('rotate --purpose mac', env)).toEqual({
      code: 1,
      said: 'There is no MAC key yet: the server makes it at its first start.',
    });
    await empty.drop();
  });

  it('rotate publishes a successor, which a running server shows within a second, and says when it signs', async () => {
    const { code, said } = await keys('rotate --algorithm ES256');
    expect(code).toBe(0);
    const [, kid = '', from = ''] =
      /^Published ES256 signing key (\S+)\. It signs from (\S+);/.exec(said) ?? [];
    expect(Date.parse(from) - Date.now()).toBeGreaterThan(14 * 60_000);
    expect(await within(1000, async () => (await published()).includes(kid))).toBe(true);
    expect((await keys('list')).said).toMatch(
      new RegExp(`^${kid} +signing +ES256 +published, signs from ${from} +old$`, 'm'),
    );
    expect(await keys('rotate --purpose signing --algorithm ES256')).toEqual({
      code: 1,
      said: `No ES256 signing key was published: ${kid} has been, and signs from ${from}. Rotate again after that.`,
    });
    expect(await audited('key.publish')).toEqual([kid]);
  });

  it('rotate publishes nothing under a key-encryption key that the servers do not have', async () => {
    const before = await rows();
    const { code, said } = await keys('rotate', { CORE_AUTH_KEY_ENCRYPTION_KEYS: keyEncryptionKey('other') });
    expect([code, said]).toEqual([
      1,
      expect.stringMatching(/^CORE_AUTH_KEY_ENCRYPTION_KEYS does not open [^\n]+ that the servers have\.$/),
    ]);
    expect(await rows()).toEqual(before);
  });

  it('rotate without options does it for every kind that is not waiting, also when two begin at the same moment', async () => {
    const both = await Promise.all([keys('rotate'), keys('rotate')]);
    const said = both.map((each) => each.said).join('\n');
    expect([...said.matchAll(/^Published (.+?) \S+\. It signs/gm)].map(([, what]) => what).sort()).toEqual([
      'MAC key',
      'RS256 signing key',
      'encryption key',
    ]);
    expect(both.map(({ code }) => code)).toEqual([1, 1]);
    expect(await rows()).toHaveLength(9);
  });

  it('revoke ends what a key verifies, in a running server within a second', async () => {
    const token = await machineToken();
    const kid = (await rows()).find((row) => row.algorithm === 'ES256' && row.number === 1)?.kid ?? '';
    expect(await isActive(token)).toBe(true);
    const { code, said } = await keys(`revoke ${kid}`);
    expect(code).toBe(0);
    expect(said).toContain(`The ES256 signing key ${kid} verifies nothing from now on`);
    const successor = /^(\S+) signs in its place/m.exec(said)?.[1] ?? '';
    expect(await within(1000, async () => (await isActive(token)) === false)).toBe(true);
    expect(await published()).not.toContain(kid);
    expect(await published()).toContain(successor);
    expect(await isActive(await machineToken())).toBe(true);
    expect(await audited('key.revoke')).toEqual([kid]);
    expect(await audited('key.create')).toEqual([successor]);
    expect(await keys(`revoke ${kid}`)).toEqual({
      code: 1,
      said: `There is no key ${kid}; nothing was changed. See keys list.`,
    });
  });

  it('rewrap encrypts everything anew under the first key, so that the old one can be taken away', async () => {
    const browser = await world.signIn('member@acme.example');
    const scope = 'openid offline_access projects:read';
    const tokens = (await world.exchange(client, await world.code(client, browser, { scope }))).body;
    const id = '6d1f1c9e-6f0d-4b0c-9d0f-0a1b2c3d4e5f';
    const wrap = (text: string) => {
      const [kid = '', secret = ''] = old.split(':');
      return new KeyEncryption([{ kid, secret: Buffer.from(secret, 'base64url') }]).encrypt(
        Buffer.from(text),
        `webhooks|${id}`,
      );
    };
    await database.query(
      `INSERT INTO webhooks (id, client_id, url, secret_envelope, previous_secret_envelope, previous_secret_until, created_at)
       VALUES ($1, 'projects', 'https://projects.example/hook', $2, $3, now() + interval '1 day', now())`,
      [id, wrap('present'), wrap('previous')],
    );

    // its secret, and the mail that tells of it
    const { app } = await setUpApp(world, await world.signIn('admin@globex.example'));
    const pushed = await world.call('/oauth2/par', client, world.authorizationRequest(client).parameters);

    const ring = { CORE_AUTH_KEY_ENCRYPTION_KEYS: `${next},${old}` };
    expect((await keys('list', ring)).said).toContain(
      '9 of them are not under the first key-encryption key "new": run keys rewrap.',
    );
    const { code, said } = await keys('rewrap', ring);
    // two sessions and the pushed request besides, of which the audit tells by table
    expect(said).toContain('16 envelopes were encrypted anew under "new".');
    expect(said).toContain('take "old" out of CORE_AUTH_KEY_ENCRYPTION_KEYS');
    expect(code).toBe(0);
    const rewrapped = await audited('envelope.rewrap');
    expect(rewrapped).toHaveLength(15);
    expect(rewrapped.slice(-2)).toEqual(['sessions.browser_envelope', 'pushed_requests.parameters_envelope']);
    expect((await rows()).map((row) => row.secret_envelope.split('.')[1])).toEqual(Array(9).fill('new'));

    // a server that has never seen the old key
    const server = await World.start({ beside: world, env: { CORE_AUTH_KEY_ENCRYPTION_KEYS: next } });
    expect(await server.refresh(client, String(tokens['refresh_token']))).toMatchObject({ status: 200 });
    expect((await server.introspect(client, await machineToken())).body['active']).toBe(true);
    const owner = await withPassword(server, 'admin@globex.example');
    expect((await present(owner, { method: 'totp', code: app.freshCode() })).status).toBe(303);
    const request = new URLSearchParams({
      client_id: client.id,
      request_uri: String(pushed.body['request_uri']),
    });
    const returned = (await browser.at(server.url).get(`/oauth2/authorize?${request}`)).headers.get(
      'location',
    );
    expect(returned).toContain(client.redirectUri);
    await server.stop();
    const { rows: hooks } = await database.query<{ present: string; previous: string }>(
      'SELECT secret_envelope AS present, previous_secret_envelope AS previous FROM webhooks',
    );
    const [kid = '', secret = ''] = next.split(':');
    const encryption = new KeyEncryption([{ kid, secret: Buffer.from(secret, 'base64url') }]);
    const opened = Object.values(hooks[0] ?? {}).map((envelope) =>
      encryption.decrypt(envelope, `webhooks|${id}`),
    );
    expect(opened.map(String)).toEqual(['present', 'previous']);

    expect(await keys('rewrap', { CORE_AUTH_KEY_ENCRYPTION_KEYS: next })).toEqual({
      code: 0,
      said: '0 envelopes were encrypted anew under "new".\nEverything is under that key.',
    });
  });

  it('rewrap leaves what somebody else has written meanwhile', async () => {
    const [{ kid = '', secret_envelope: envelope = '' } = {}] = await rows();
    const [column] = new EnvelopeRepository(world.app.get(Database)).columns;
    const replacement = { id: kid, old: 'v1.what.was.there.before', envelope: 'v1.new.a.b.c' };
    expect(await column?.replace([replacement], 'test')).toBe(0);
    expect((await rows())[0]?.secret_envelope).toBe(envelope);
  });

  it('rewrap names what no key opens, does the rest, and does not say that a key may go', async () => {
    const [{ kid = '' } = {}] = await rows();
    await database.query("UPDATE keys SET secret_envelope = 'v1.lost.AAAA.AAAA.AAAA' WHERE kid = $1", [kid]);
    const third = keyEncryptionKey('third');
    const { rows: kept } = await database.query<{ count: string }>(`
      SELECT (SELECT count(*) FROM keys) + (SELECT count(*) FROM mails) + (SELECT count(*) FROM totp_factors)
             + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM pushed_requests)
             + 2 * (SELECT count(*) FROM webhooks) - 1 AS count`);
    const { code, said } = await keys('rewrap', { CORE_AUTH_KEY_ENCRYPTION_KEYS: `${third},${next}` });
    expect(code).toBe(1);
    expect(said).toContain(`${kept[0]?.count} envelopes were encrypted anew under "third".`);
    expect(said).toContain(`No key of the ring opens keys.secret_envelope of ${kid}.`);
    expect(said).not.toContain('take "new" out');
  });

  it('rewrap knows every column that holds envelopes, and stops at one that it does not know', async () => {
    await database.query('CREATE TABLE strange (other_envelope text)');
    const stopped = await keys('rewrap', { CORE_AUTH_KEY_ENCRYPTION_KEYS: next });
    expect(stopped).toEqual({
      code: 1,
      said: 'This release does not know strange.other_envelope: run the one that migrated last.',
    });
    await database.query('DROP TABLE strange');
  });
});
