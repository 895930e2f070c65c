import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Database } from '#platform';
import { EnvelopeRepository } from '../../apps/cli/envelopes.repository.js';
import { BuiltProcess } from '../support/built-process.js';
import { beginDevice, DEVICE_GRANT, enterCode } from '../support/device.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { PASSWORD, World } from '../support/world.js';

jest.setTimeout(60_000);

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const keyEncryptionKey = (kid: string) => `${kid}:${randomBytes(32).toString('base64url')}`;
const [old, next] = [keyEncryptionKey('old'), keyEncryptionKey('new')];

describe('the devices of sessions while the key-encryption key changes', () => {
  let world: World;
  /** Eight browsers sign in to one account at once. */
  const settings = (ring: string) => ({
    CORE_AUTH_KEY_ENCRYPTION_KEYS: ring,
    CORE_AUTH_SIGN_IN_FAILURES: '40',
  });
  const startWith = (ring: string) => World.start({ beside: world, env: settings(ring) });

  beforeAll(async () => {
    world = await World.start({ env: settings(old) });
  });
  afterAll(() => world.stop());

  /** Signs in by Firefox, as the browser that it has been so far. */
  async function signInBy(at: World, email: string, browser = at.browser()): Promise<HttpBrowser> {
    const fields = hiddenFields(await (await browser.get('/sign-in')).text());
    const answer = await browser.post(
      '/sign-in',
      { ...fields, email, password: PASSWORD },
      { 'user-agent': FIREFOX },
    );
    expect([answer.status, answer.status === 303 ? '' : await answer.text()]).toEqual([303, '']);
    return browser;
  }
  /** What the list of the person's sessions says that they were signed in with. */
  async function devicesOf(browser: HttpBrowser): Promise<string[]> {
    const html = await (await browser.get('/account/sessions')).text();
    return [...html.matchAll(/<span id="session-[^"]*">\s*([\w ]+?)\s*</g)].map(([, device = '']) => device);
  }

  it('a server that lacks the key lists a session without it, and does not know a request that was pushed', async () => {
    const other = await startWith(`${next},${old}`);
    const browser = await signInBy(other, 'consultant@partners.example');
    expect(await devicesOf(browser)).toEqual(['Firefox on Windows']);
    expect(await devicesOf(browser.at(world.url))).toEqual(['Unknown device']);
    const client = world.client('projects');
    const pushed = await other.call('/oauth2/par', client, world.authorizationRequest(client).parameters);
    const uri = { client_id: client.id, request_uri: String(pushed.body['request_uri']) };
    const visit = (at: World) => browser.at(at.url).get(`/oauth2/authorize?${new URLSearchParams(uri)}`);
    expect([(await visit(world)).status, (await visit(other)).status]).toEqual([400, 303]);
    await other.stop();
  });

  it('a code that a device shows is found by servers before and after the first key changed', async () => {
    const television = await world.createClient({
      id: 'television',
      grantTypes: [DEVICE_GRANT],
      redirectUris: [],
    });
    const [before, after] = [await startWith(`${old},${next}`), await startWith(`${next},${old}`)];
    for (const [given, typed] of [
      [before, after],
      [after, before],
    ] as const) {
      const { user_code: code } = await beginDevice(given, television);
      const browser = (await signInBy(world, 'member@acme.example')).at(typed.url);
      const page = await enterCode(browser, code);
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('television')]);
    }
    await Promise.all([before.stop(), after.stop()]);
  });

  it('leaves what has been written meanwhile, and comes back to what somebody is just changing', async () => {
    const client = world.client('projects');
    await signInBy(world, 'member@acme.example');
    await world.call('/oauth2/par', client, world.authorizationRequest(client).parameters);
    const database = world.app.get(Database);
    const columns = new EnvelopeRepository(database).columns.filter(({ name }) =>
      ['sessions.browser_envelope', 'pushed_requests.parameters_envelope'].includes(name),
    );
    expect(columns).toHaveLength(2);
    for (const column of columns) {
      const rows = await column.notUnder('none', '', 100);
      const [{ id = '', envelope: old = '' } = {}] = rows;
      const replaceBy = (envelope: string, from = old) =>
        column.replace([{ id, old: from, envelope }], 'test');
      expect(await replaceBy('v1.new.a.b.c', 'v1.what.was.there.before')).toBe(0);
      expect(await column.notUnder('none', '', 100)).toEqual(rows);
      await database.transaction(async (transaction) => {
        const [table = ''] = column.name.split('.');
        await transaction.query({ name: '', text: `SELECT FROM ${table} FOR UPDATE`, values: [] });
        expect(await replaceBy('v1.new.a.b.c')).toBe(0);
      });
      expect(await replaceBy('v1.new.a.b.c')).toBe(1);
      expect(await replaceBy(old, 'v1.new.a.b.c')).toBe(1);
    }
  });

  it('goes on while people sign in at servers with both keys, and a server with the new one alone knows every device', async () => {
    const both = await startWith(`${next},${old}`);
    const browsers = await Promise.all(
      Array.from({ length: 8 }, async () => (await signInBy(world, 'owner@acme.example')).at(both.url)),
    );
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['keys', 'rewrap'],
      env: { DATABASE_URL: world.database.url, CORE_AUTH_KEY_ENCRYPTION_KEYS: `${next},${old}` },
    });
    const { ended } = program;
    let [going, signIns] = [true, 0];
    void ended.finally(() => (going = false));
    while (going) {
      await Promise.all(browsers.map((browser) => signInBy(both, 'owner@acme.example', browser)));
      signIns += browsers.length;
    }
    await ended;
    expect(program.output).toContain('Everything is under that key');
    expect(signIns).toBeGreaterThan(0);
    const fresh = await startWith(next);
    for (const browser of browsers) {
      expect(await devicesOf(browser.at(fresh.url))).toEqual(browsers.map(() => 'Firefox on Windows'));
    }
    await Promise.all([both.stop(), fresh.stop()]);
  });
});
