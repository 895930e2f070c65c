import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { ExpiryRepository } from '#oauth';
import { KeyedDigest } from '#platform';
import { altered } from '../support/answers.js';
import { beginDevice, decideDevice, DEVICE_GRANT, pollDevice } from '../support/device.js';
import { DpopKey } from '../support/dpop-key.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { statementsWait } from '../support/waiting-statements.js';
import { claimsOf, World, type Answer, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const GRANTS = [DEVICE_GRANT, 'refresh_token'] as const;
const ROUNDS = 20;

let world: World;
let television: TestClient;
let printer: TestClient;
let member: HttpBrowser;
let database: Client;

beforeAll(async () => {
  world = await World.start();
  television = await world.createClient({
    id: 'television',
    name: 'Television',
    grantTypes: GRANTS,
    redirectUris: [],
    secretSha256: null,
    tokenEndpointAuthMethod: 'none',
  });
  printer = await world.createClient({ id: 'printer', grantTypes: GRANTS, redirectUris: [] });
  member = await world.signIn(MEMBER);
  database = new Client({ connectionString: world.database.url });
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await world.stop();
});
// a device that polls as it was told
beforeEach(() => world.clock.advance(60_000));

const errorOf = ({ status, body }: Answer) => ({ status, error: body['error'] });
const approved = async (client = television, fields?: Readonly<Record<string, string>>) => {
  const codes = await beginDevice(world, client, fields);
  const answer = await decideDevice(member, codes);
  expect(answer.headers.get('location')).toBe('/device/approved');
  return codes;
};
const hmacOf = (userCode: string) => world.app.get(KeyedDigest).of('user code', userCode.replace('-', ''));
const stateOf = async (userCode: string) =>
  (
    await database.query<{ state: string; authorization: string | null }>(
      `SELECT d.state, a.state AS authorization FROM device_authorizations d
         LEFT JOIN authorizations a ON a.id = d.authorization_id WHERE d.user_code_hmac = $1`,
      [hmacOf(userCode)],
    )
  ).rows[0];

describe('the device authorization request (RFC 8628 §3.1)', () => {
  it('§3.2: the answer has both codes, where to go, how long they live and how often to poll, and is not stored', async () => {
    const answer = await world.call('/oauth2/device_authorization', television, { scope: 'openid' });
    expect(answer.status).toBe(200);
    const { user_code: userCode } = answer.body;
    expect(userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(answer.body).toEqual({
      device_code: expect.stringMatching(/^[\w-]+\.[\w-]{22}\.0\.[\w-]{22}\.[\w-]{43}$/),
      user_code: userCode,
      verification_uri: `${world.url}/device`,
      verification_uri_complete: `${world.url}/device?user_code=${String(userCode)}`,
      verification_qr: `${world.url}/device/qr?user_code=${String(userCode)}`,
      expires_in: 600,
      interval: 5,
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('§4: discovery names the endpoint and the grant', async () => {
    const metadata = (await (
      await fetch(`${world.url}/.well-known/oauth-authorization-server`)
    ).json()) as Record<string, unknown>;
    expect(metadata['device_authorization_endpoint']).toBe(`${world.url}/oauth2/device_authorization`);
    expect(metadata['grant_types_supported']).toContain(DEVICE_GRANT);
  });

  it('§3.1: a confidential client authenticates, a public one names itself, anybody else is refused', async () => {
    expect((await world.call('/oauth2/device_authorization', printer, {})).status).toBe(200);
    for (const client of [
      { ...printer, secret: 'wrong' },
      { ...printer, secret: undefined },
      { ...television, id: 'nobody' },
    ]) {
      const answer = await world.call('/oauth2/device_authorization', client, {});
      expect(errorOf(answer)).toEqual({ status: 401, error: 'invalid_client' });
    }
  });

  it('a client without this grant type gets unauthorized_client', async () => {
    const answer = await world.call('/oauth2/device_authorization', world.client('projects'), {});
    expect(errorOf(answer)).toEqual({ status: 400, error: 'unauthorized_client' });
  });

  it('RFC 6749 §3.3, RFC 8707 §2: a scope or a resource that the client may not have is refused at once', async () => {
    for (const [fields, error] of [
      [{ scope: 'reports:read' }, 'invalid_scope'],
      [{ scope: '"' }, 'invalid_scope'],
      [{ resource: 'https://reports.example' }, 'invalid_target'],
      [{ resource: 'not a URI' }, 'invalid_target'],
    ] as const) {
      const answer = await world.call('/oauth2/device_authorization', television, fields);
      expect(errorOf(answer)).toEqual({ status: 400, error });
    }
  });
});

describe('the device access token request (RFC 8628 §3.4)', () => {
  it('§3.5: authorization_pending until the person decides, then tokens once', async () => {
    const codes = await beginDevice(world, television);
    expect(errorOf(await pollDevice(world, television, codes))).toEqual({
      status: 400,
      error: 'authorization_pending',
    });
    world.clock.advance(5000);
    expect(errorOf(await pollDevice(world, television, codes)).error).toBe('authorization_pending');
    await decideDevice(member, codes);
    const answer = await pollDevice(world, television, codes);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toMatchObject({ token_type: 'Bearer', scope: 'openid profile projects:read' });
    const claims = claimsOf(String(answer.body['access_token']));
    expect(claims).toMatchObject({ sub: world.id(MEMBER), client_id: 'television', organization: 'acme' });
    expect(claimsOf(String(answer.body['id_token']))).toMatchObject({
      aud: 'television',
      name: 'Max Member',
    });
    expect(
      (await world.introspect(world.client('projects'), String(answer.body['access_token']))).body['active'],
    ).toBe(true);
    expect(errorOf(await pollDevice(world, television, codes))).toEqual({
      status: 400,
      error: 'invalid_grant',
    });
    expect((await world.refresh(television, String(answer.body['refresh_token']))).status).toBe(200);
  });

  it('§3.5: slow_down adds five seconds to the interval, for this poll and all that follow', async () => {
    const codes = await beginDevice(world, television);
    const after = async (seconds: number) => {
      world.clock.advance(seconds * 1000);
      return errorOf(await pollDevice(world, television, codes)).error;
    };
    expect(await after(0)).toBe('authorization_pending');
    expect(await after(4)).toBe('slow_down');
    expect(await after(9)).toBe('slow_down');
    expect(await after(15)).toBe('authorization_pending');
    expect(await after(14)).toBe('slow_down');
    expect(await after(20)).toBe('authorization_pending');
  });

  it('§3.5: whoever was approved gets the tokens, however soon after the last poll', async () => {
    const codes = await beginDevice(world, television);
    await pollDevice(world, television, codes);
    await decideDevice(member, codes);
    expect((await pollDevice(world, television, codes)).status).toBe(200);
  });

  it('§3.5: access_denied when the person denies', async () => {
    const codes = await beginDevice(world, television);
    const answer = await decideDevice(member, codes, 'deny');
    expect(answer.headers.get('location')).toBe('/device/denied');
    for (let poll = 0; poll < 2; poll += 1) {
      expect(errorOf(await pollDevice(world, television, codes))).toEqual({
        status: 400,
        error: 'access_denied',
      });
    }
  });

  it('§3.5: expired_token after ten minutes, approved or not, and nothing can be approved any more', async () => {
    const waiting = await beginDevice(world, television);
    const late = await approved();
    world.clock.advance(599_000);
    expect(errorOf(await pollDevice(world, television, waiting)).error).toBe('authorization_pending');
    world.clock.advance(1000);
    for (const codes of [waiting, late]) {
      expect(errorOf(await pollDevice(world, television, codes))).toEqual({
        status: 400,
        error: 'expired_token',
      });
    }
    expect((await decideDevice(member, waiting)).status).toBe(400);
    expect(await stateOf(waiting.user_code)).toEqual({ state: 'pending', authorization: null });
  });

  it('§5.2: a device code that this server did not make is refused', async () => {
    const codes = await approved();
    const { code } = await world.code(world.client('projects'), member);
    const refresh = (await world.signedInClient()).tokens.refresh_token;
    for (const text of [altered(codes.device_code), 'x', code, refresh, `${codes.device_code}.x`]) {
      const answer = await pollDevice(world, television, { device_code: text });
      expect(errorOf(answer)).toEqual({ status: 400, error: 'invalid_grant' });
    }
    expect((await pollDevice(world, television, codes)).status).toBe(200);
  });

  it('§3.4: a device code of another client is invalid_grant, and nothing is spent', async () => {
    const refused = { status: 400, error: 'invalid_grant' };
    const codes = await beginDevice(world, television);
    expect(errorOf(await pollDevice(world, printer, codes))).toEqual(refused);
    await decideDevice(member, codes);
    expect(errorOf(await pollDevice(world, printer, codes))).toEqual(refused);
    expect(await stateOf(codes.user_code)).toEqual({ state: 'approved', authorization: 'code' });
    expect((await pollDevice(world, television, codes)).status).toBe(200);
    expect(await stateOf(codes.user_code)).toEqual({ state: 'spent', authorization: 'active' });
  });

  it('neither a missing device_code nor one sent twice is a request', async () => {
    expect(errorOf(await world.token(television, { grant_type: DEVICE_GRANT }))).toEqual({
      status: 400,
      error: 'invalid_request',
    });
    const body = new URLSearchParams({ client_id: 'television', grant_type: DEVICE_GRANT, device_code: 'a' });
    body.append('device_code', 'b');
    const answer = await fetch(`${world.url}/oauth2/token`, { method: 'POST', body });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_request' }]);
  });

  it('what a device was allowed cannot be had as an authorization code', async () => {
    const both = await world.createClient({
      id: 'both',
      grantTypes: [...GRANTS, 'authorization_code'],
      pkceRequired: false,
    });
    const codes = await approved(both);
    const fields = { grant_type: 'authorization_code', code: codes.device_code };
    for (const extra of [{}, { redirect_uri: both.redirectUri }]) {
      expect(errorOf(await world.token(both, { ...fields, ...extra }))).toEqual({
        status: 400,
        error: 'invalid_grant',
      });
    }
    expect((await pollDevice(world, both, codes)).status).toBe(200);
  });

  it('no more is granted than the role of the person allows, and than the resource understands (RFC 8707 §2.2)', async () => {
    const codes = await approved(television, { resource: 'https://projects.example' });
    const foreign = await pollDevice(world, television, codes, { resource: 'https://reports.example' });
    expect(errorOf(foreign)).toEqual({ status: 400, error: 'invalid_target' });
    const { body } = await pollDevice(world, television, codes);
    expect(claimsOf(String(body['access_token']))['aud']).toEqual(['https://projects.example', world.url]);
  });

  it('access lives while the session of the person does, unless offline_access was asked for', async () => {
    const browser = await world.signIn(MEMBER);
    const [bound, offline, early] = await Promise.all(
      ['projects:read', 'projects:read offline_access', 'projects:read'].map((scope) =>
        beginDevice(world, television, { scope }),
      ),
    );
    if (!bound || !offline || !early) throw new Error('three devices began');
    for (const codes of [bound, offline, early]) await decideDevice(browser, codes);
    const tokens = [await pollDevice(world, television, bound), await pollDevice(world, television, offline)];
    await browser.submit('/sign-out', '/sign-out', {});
    const answers = await Promise.all(
      tokens.map(({ body }) => world.refresh(television, String(body['refresh_token']))),
    );
    expect(answers.map(({ status }) => status)).toEqual([400, 200]);
    // approved, and not fetched before the session ended
    expect(errorOf(await pollDevice(world, television, early))).toEqual({
      status: 400,
      error: 'invalid_grant',
    });
  });

  it('a license that is gone by the time of the poll refuses it and spends nothing', async () => {
    const codes = await approved();
    const license = world.id('license:acme:projects');
    await world.licenses.changeStatus(license, 'suspended', 'test');
    expect(errorOf(await pollDevice(world, television, codes))).toEqual({
      status: 400,
      error: 'access_denied',
    });
    await world.licenses.changeStatus(license, 'issued', 'test');
    expect((await pollDevice(world, television, codes)).status).toBe(200);
  });

  it('an organization that has come to want a second factor refuses the poll, and it spends nothing', async () => {
    const codes = await approved();
    const poll = () => world.token(television, { grant_type: DEVICE_GRANT, device_code: codes.device_code });
    const demand = (wanted: boolean) =>
      database.query('UPDATE organizations SET second_factor_required = $1 WHERE id = $2', [
        wanted,
        world.id('acme'),
      ]);
    await demand(true);
    try {
      expect(errorOf(await poll())).toEqual({ status: 400, error: 'invalid_grant' });
    } finally {
      await demand(false);
    }
    expect((await poll()).status).toBe(200);
  });

  it('RFC 9449 §5: the tokens of a device that proves its key are bound to it, the refresh token of a public one too', async () => {
    const key = await DpopKey.create();
    const url = `${world.url}/oauth2/token`;
    let nonce: string | undefined;
    const send = async (fields: Readonly<Record<string, string>>, by: DpopKey | undefined = key) => {
      for (;;) {
        const body = new URLSearchParams({ client_id: 'television', ...fields });
        const proof = by && (await by.proof({ method: 'POST', url, now: world.clock.now(), nonce }));
        const headers: Record<string, string> = proof === undefined ? {} : { dpop: proof };
        const answer = await fetch(url, { method: 'POST', body, headers });
        const json = (await answer.json()) as Record<string, unknown>;
        if (json['error'] !== 'use_dpop_nonce') return json;
        nonce = answer.headers.get('dpop-nonce') ?? undefined;
      }
    };
    const codes = await approved();
    const tokens = await send({ grant_type: DEVICE_GRANT, device_code: codes.device_code });
    expect(tokens['token_type']).toBe('DPoP');
    expect(claimsOf(String(tokens['access_token']))['cnf']).toEqual({ jkt: key.thumbprint });
    const refresh = { grant_type: 'refresh_token', refresh_token: String(tokens['refresh_token']) };
    const unproved = await world.token(television, refresh);
    expect(errorOf(unproved)).toEqual({ status: 400, error: 'invalid_grant' });
    expect(await send(refresh, await DpopKey.create())).toMatchObject({ error: 'invalid_grant' });
    expect(await send(refresh)).toMatchObject({ token_type: 'DPoP' });
  });

  it('approval, denial and the poll that wins are audited, each by who did it', async () => {
    const codes = await approved();
    const { body } = await pollDevice(world, television, codes);
    const id = String(claimsOf(String(body['access_token']))['authorization_id']);
    const denied = await beginDevice(world, television);
    await decideDevice(member, denied, 'deny');
    const { rows } = await database.query(
      `SELECT act, actor, organization_id FROM audit_events
        WHERE target = $1 OR act = 'device-authorization.deny' AND target =
              (SELECT id::text FROM device_authorizations WHERE user_code_hmac = $2) ORDER BY id`,
      [id, hmacOf(denied.user_code)],
    );
    const organization = { organization_id: world.id('acme') };
    expect(rows).toEqual([
      { act: 'device-authorization.approve', actor: world.id(MEMBER), ...organization },
      { act: 'authorization.exchange', actor: 'television', ...organization },
      { act: 'device-authorization.deny', actor: world.id(MEMBER), ...organization },
    ]);
  });

  it('what has expired is swept, an hour later', async () => {
    const codes = await beginDevice(world, television);
    world.clock.advance(600_000 + 3_590_000);
    await world.app.get(ExpiryRepository).prune(1000);
    expect(errorOf(await pollDevice(world, television, codes)).error).toBe('expired_token');
    world.clock.advance(20_000);
    await world.app.get(ExpiryRepository).prune(1000);
    expect(await stateOf(codes.user_code)).toBeUndefined();
    expect(errorOf(await pollDevice(world, television, codes)).error).toBe('invalid_grant');
    member = await world.signIn(MEMBER);
  });
});

describe('simultaneous polls at two nodes', () => {
  let node: World;

  beforeAll(async () => {
    node = await World.start({ beside: world });
  });
  afterAll(() => node.stop());

  it(`§3.5: of 12 simultaneous polls while nobody has decided one alone is in time, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const codes = await beginDevice(world, television);
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) => pollDevice(index % 2 ? node : world, television, codes)),
      );
      const errors = answers.map(({ body }) => body['error']);
      expect(errors.filter((error) => error === 'authorization_pending')).toHaveLength(1);
      expect(errors.filter((error) => error === 'slow_down')).toHaveLength(11);
      // eleven times five seconds more
      world.clock.advance(59_000);
      expect(errorOf(await pollDevice(world, television, codes)).error).toBe('slow_down');
    }
  });

  it('§3.5: whether a poll comes too soon is decided when its turn has come, not when it arrives', async () => {
    const codes = await beginDevice(world, television);
    await database.query('BEGIN');
    await database.query('SELECT FROM device_authorizations WHERE user_code_hmac = $1 FOR UPDATE', [
      hmacOf(codes.user_code),
    ]);
    const polls = Promise.all([world, node].map((at) => pollDevice(at, television, codes)));
    await statementsWait(database, 2);
    await database.query('COMMIT');
    const errors = (await polls).map(({ body }) => body['error']);
    expect(errors.sort()).toEqual(['authorization_pending', 'slow_down']);
  });

  it(`of 12 simultaneous polls after the approval one wins, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const codes = await approved();
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) => pollDevice(index % 2 ? node : world, television, codes)),
      );
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(1);
      for (const loser of answers.filter(({ status }) => status !== 200)) {
        expect(errorOf(loser)).toEqual({ status: 400, error: 'invalid_grant' });
      }
      expect(await stateOf(codes.user_code)).toEqual({ state: 'spent', authorization: 'active' });
      const refreshed = await world.refresh(television, String(winners[0]?.body['refresh_token']));
      expect(refreshed.status).toBe(200);
    }
  });

  it(`an approval that races a denial and polls ends as one of the two, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      // who comes second has entered a code that works no more, and may do so five times while a code lives
      world.clock.advance(600_000);
      const codes = await beginDevice(world, television);
      const [approval, denial, during] = await Promise.all([
        decideDevice(member.clone(), codes, 'approve'),
        decideDevice(member.at(node.url), codes, 'deny'),
        pollDevice(node, television, codes),
      ]);
      expect([approval, denial].filter(({ status }) => status === 303)).toHaveLength(1);
      const polls = [during, await pollDevice(world, television, codes)];
      const winners = polls.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(approval.status === 303 ? 1 : 0);
      if (denial.status === 303) expect(polls.at(-1)?.body['error']).toBe('access_denied');
    }
  });
});
