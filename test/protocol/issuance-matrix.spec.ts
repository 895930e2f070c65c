import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SeatRepository, type NewLicense } from '#licensing';
import { Database, sql } from '#platform';
import { pathTo } from '../support/answers.js';
import {
  beginDevice,
  decideDevice,
  DEVICE_GRANT,
  enterCode,
  pollDevice,
  type DeviceCodes,
} from '../support/device.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { World, type Answer, type TestClient } from '../support/world.js';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SCOPE = 'openid offline_access reports:read';
const DAY = 86_400_000;

/** How a state comes about for an organization that had a license for everybody when the person was authorized. */
interface State {
  /** What the person is told; a decision code, or undefined when they get in. */
  readonly person: string | undefined;
  /** What the organization's machine is told: it needs no seat. */
  readonly machine: string | undefined;
  /** Whether the person holds a seat of the license afterwards. */
  readonly seated?: boolean;
  readonly enter: (license: string, organization: string) => Promise<unknown>;
}

describe('the issuance matrix: no token without a license, whatever the grant', () => {
  let world: World;
  let web: TestClient;
  /** Of the suite, for modules and for people's own accounts. */
  let free: TestClient;
  let number = 0;
  beforeAll(async () => {
    world = await World.start();
    web = await world.createClient({
      id: 'web',
      grantTypes: ['authorization_code', 'refresh_token', DEVICE_GRANT, EXCHANGE],
      scopes: ['openid', 'offline_access', 'reports:read'],
    });
    free = await world.createClient({
      id: 'free',
      grantTypes: ['authorization_code', 'refresh_token', DEVICE_GRANT, EXCHANGE],
      scopes: ['openid', 'offline_access', 'reports:read', 'account:read'],
    });
    await world.heard();
  });
  afterAll(() => world.stop());

  const both = (code: string | undefined) => ({ person: code, machine: code });
  const status = (to: 'suspended' | 'cancelled' | 'revoked') => (license: string) =>
    world.licenses.changeStatus(license, to, 'test');
  /** The license as it is from now on, and every node told of it. */
  const change = async (
    license: string,
    changes: { endsAt?: Date; graceDays?: number; environment?: string },
  ) => {
    await world.app.get(Database).query(sql`
      UPDATE licenses SET ends_at = coalesce(${changes.endsAt ?? null}, ends_at),
                          grace_days = coalesce(${changes.graceDays ?? null}, grace_days),
                          environment = coalesce(${changes.environment ?? null}, environment)
       WHERE id = ${license}`);
    await noted(license);
  };
  const noted = (license: string) =>
    world.app.get(Database).query(sql`
      WITH raised AS (
        UPDATE organizations SET license_version = license_version + 1
         WHERE id = (SELECT organization_id FROM licenses WHERE id = ${license}) RETURNING id
      ) INSERT INTO outbox (kind, subject, organization_id) SELECT 'license-changed', id, id FROM raised`);
  /** Named seats instead of a license for everybody; others sit on all but `left` of three. */
  const named = async (license: string, organization: string, firstUse: boolean, left: number) => {
    await world.app.get(Database).query(sql`
      WITH first_use AS (UPDATE licenses SET seat_on_first_use = ${firstUse} WHERE id = ${license})
      UPDATE license_terms SET seat_model = 'named', seat_limit = 3 WHERE license_id = ${license}`);
    await noted(license);
    for (let other = 0; other < 3 - left; other += 1) {
      const email = `other-${other}@${organization}.example`;
      await world.createPerson(email, 'Other', { [organization]: 'member' });
      await world.assignSeat(license, email);
    }
  };
  const ago = (days: number) => new Date(world.clock.now().getTime() - days * DAY);
  const startedLongAgo = (license: string) =>
    world.app.get(Database).query(sql`
      WITH moved AS (UPDATE license_terms SET effective_at = ${ago(30)} WHERE license_id = ${license})
      UPDATE licenses SET starts_at = ${ago(30)} WHERE id = ${license}`);

  const STATES: Readonly<Record<string, State>> = {
    licensed: { ...both(undefined), enter: async () => undefined },
    unlicensed: {
      ...both('NO_LICENSE'),
      enter: async (license) => {
        await noted(license);
        await world.app.get(Database).query(sql`DELETE FROM licenses WHERE id = ${license}`);
      },
    },
    expired: {
      ...both('EXPIRED'),
      enter: async (license) => {
        await startedLongAgo(license);
        await change(license, { endsAt: ago(3), graceDays: 2 });
      },
    },
    'in grace': {
      ...both(undefined),
      enter: async (license) => {
        await startedLongAgo(license);
        await change(license, { endsAt: ago(3), graceDays: 4 });
      },
    },
    'not started': {
      ...both('NOT_STARTED'),
      enter: async (license) => {
        const later = new Date(world.clock.now().getTime() + DAY);
        await world.app.get(Database).query(sql`
          WITH moved AS (UPDATE license_terms SET effective_at = ${later} WHERE license_id = ${license})
          UPDATE licenses SET starts_at = ${later} WHERE id = ${license}`);
        await noted(license);
      },
    },
    'a trial that has ended': {
      ...both('TRIAL_ENDED'),
      enter: async (license) => {
        await startedLongAgo(license);
        await world.app.get(Database).query(sql`UPDATE licenses SET trial = true WHERE id = ${license}`);
        await change(license, { endsAt: ago(3) });
      },
    },
    suspended: { ...both('SUSPENDED'), enter: status('suspended') },
    cancelled: { ...both('CANCELLED'), enter: status('cancelled') },
    revoked: { ...both('REVOKED'), enter: status('revoked') },
    'a suspended organization': {
      ...both('ORG_SUSPENDED'),
      enter: (_, organization) => world.accounts.suspendOrganization(world.id(organization), 'test'),
    },
    'no seat': {
      person: 'SEAT_REQUIRED',
      machine: undefined,
      enter: (license, organization) => named(license, organization, false, 3),
    },
    'a seat at first use that is free': {
      ...both(undefined),
      seated: true,
      enter: (license, organization) => named(license, organization, true, 1),
    },
    'a seat at first use and none left': {
      person: 'SEATS_EXHAUSTED',
      machine: undefined,
      enter: (license, organization) => named(license, organization, true, 0),
    },
    'floating seats': {
      ...both(undefined),
      enter: async (license) => {
        await world.app.get(Database).query(sql`
          UPDATE license_terms SET seat_model = 'floating', seat_limit = 1 WHERE license_id = ${license}`);
        await noted(license);
      },
    },
    'the wrong environment': {
      ...both('ENV_MISMATCH'),
      enter: (license) => change(license, { environment: 'staging' }),
    },
  };

  /** Whatever each grant starts from, got while the license was for everybody. */
  interface Prepared {
    readonly email: string;
    readonly browser: HttpBrowser;
    readonly code: Awaited<ReturnType<World['code']>>;
    readonly refreshToken: string;
    readonly accessToken: string;
    readonly device: DeviceCodes;
    readonly machine: TestClient;
  }

  /** What a grant answered: undefined when it issued, the decision code or sentence when not. */
  type Said = { readonly issued: boolean; readonly told: string };
  const ofToken = ({ status: http, body }: Answer): Said => {
    if (http === 200) return { issued: typeof body['access_token'] === 'string', told: '' };
    expect([http, body['error']]).toEqual([400, 'access_denied']);
    expect(body).not.toHaveProperty('access_token');
    return { issued: false, told: String(body['error_description']) };
  };
  /** By the code in the redirect, or by the page that explains. */
  const ofAuthorize = async (browser: HttpBrowser, extra: Record<string, string> = {}): Promise<Said> => {
    const response = await browser.get(world.authorizationRequest(web, { scope: SCOPE, ...extra }).path);
    const location = response.headers.get('location') ?? '';
    if (/[?&]code=/.test(location)) return { issued: true, told: '' };
    expect(location).toMatch(/^\/license-refused\?/);
    const page = await browser.get(location);
    expect(page.status).not.toBe(303);
    return { issued: false, told: await page.text() };
  };

  const GRANTS: Readonly<Record<string, (prepared: Prepared) => Promise<Said>>> = {
    'authorize with sign-in': async ({ email }) => ofAuthorize(await world.signIn(email)),
    'single sign-on reuse': ({ browser }) => ofAuthorize(browser),
    'code exchange': async ({ code }) => ofToken(await world.exchange(web, code)),
    refresh: async ({ refreshToken }) => ofToken(await world.refresh(web, refreshToken)),
    device: async ({ device }) => ofToken(await pollDevice(world, web, device)),
    'token exchange': async ({ accessToken }) =>
      ofToken(
        await world.token(web, {
          grant_type: EXCHANGE,
          subject_token: accessToken,
          subject_token_type: ACCESS_TOKEN,
          audience: 'reports',
        }),
      ),
    'client credentials': async ({ machine }) =>
      ofToken(await world.token(machine, { grant_type: 'client_credentials' })),
  };

  async function prepare(): Promise<Prepared & { license: string; organization: string }> {
    const organization = `org-${(number += 1)}`;
    const email = `person@${organization}.example`;
    await world.createOrganization(organization, organization);
    await world.createPerson(email, 'Person', { [organization]: 'member' });
    const license = await world.license(organization, 'reports', {} satisfies Partial<NewLicense>);
    const browser = await world.signIn(email);
    const { body } = await world.exchange(web, await world.code(web, browser, { scope: SCOPE }));
    const device = await beginDevice(world, web, { scope: SCOPE });
    expect((await decideDevice(browser, device)).status).toBe(303);
    const machine = await world.createClient({
      id: `machine-${organization}`,
      organizationId: world.id(organization),
      grantTypes: ['client_credentials'],
      scopes: ['reports:read'],
    });
    return {
      organization,
      email,
      license,
      browser,
      device,
      machine,
      code: await world.code(web, browser, { scope: SCOPE }),
      refreshToken: String(body['refresh_token']),
      accessToken: String(body['access_token']),
    };
  }

  /** A node hears of a change within its bound; a grant that reads no version waits for that. */
  const heard = () => world.heard();

  const seatsOf = async (license: string, email: string) =>
    world.app.get(Database).query(sql`
      SELECT way FROM seat_assignments
       WHERE license_id = ${license} AND user_id = ${world.id(email)} AND released_at IS NULL`);

  const cells = Object.keys(STATES).flatMap((state) =>
    Object.keys(GRANTS).map((grant) => [state, grant] as const),
  );
  it.each(cells)('%s: %s', async (state, grant) => {
    const { enter, person, machine, seated = false } = STATES[state] ?? missing();
    const prepared = await prepare();
    await enter(prepared.license, prepared.organization);
    const ofMachine = grant === 'client credentials';
    if (ofMachine) await heard();
    const answer = await (GRANTS[grant] ?? missing())(prepared);
    const code = ofMachine ? machine : person;
    expect(answer).toEqual({ issued: code === undefined, told: expect.anything() });
    if (code !== undefined) expect(answer.told).toContain(code);
    expect(await seatsOf(prepared.license, prepared.email)).toEqual(
      seated && !ofMachine ? [{ way: 'first-use' }] : [],
    );
  });

  /** Whatever each grant starts from, got for the person's own account by a client that could have more. */
  async function prepareForNone() {
    const email = `nobody-${(number += 1)}@self.example`;
    await world.createPerson(email, 'Nobody', {});
    const browser = await world.signIn(email);
    const own = { scope: 'account:read offline_access' };
    const { body } = await world.exchange(free, await world.code(free, browser, own));
    const device = await beginDevice(world, free, own);
    expect(pathTo(await decideDevice(browser, device))).toBe('/device/approved');
    return {
      email,
      browser,
      device,
      code: await world.code(free, browser, own),
      refreshToken: String(body['refresh_token']),
      accessToken: String(body['access_token']),
    };
  }
  type ForNone = Awaited<ReturnType<typeof prepareForNone>>;
  const sentToChoose = (response: Response) => expect(pathTo(response)).toMatch(/^\/choose-organization\?/);
  /** With the module among the resources, which nobody authorized for none can have, by parameter or by scope. */
  const refusedWith = async (answer: Answer, error = 'access_denied') => {
    const { status, body } = answer;
    expect([status, body['error']]).toEqual([400, error]);
    expect(body).not.toHaveProperty('access_token');
    if (error === 'access_denied') expect(body['error_description']).toContain('ORG_CONTEXT_REQUIRED');
  };
  const resource = 'https://reports.example';
  const FOR_NONE: Readonly<Record<string, (prepared: ForNone) => Promise<void>>> = {
    'authorize with sign-in': async ({ email }) => {
      const browser = await world.signIn(email);
      for (const extra of [{ scope: SCOPE }, { scope: 'account:read', resource }]) {
        sentToChoose(await browser.get(world.authorizationRequest(free, extra).path));
      }
    },
    'single sign-on reuse': async ({ browser }) => {
      for (const extra of [{ scope: SCOPE }, { scope: 'account:read', resource }]) {
        sentToChoose(await browser.get(world.authorizationRequest(free, extra).path));
      }
    },
    'code exchange': async ({ code }) => {
      const grant = { grant_type: 'authorization_code', code: code.code, code_verifier: code.verifier };
      await refusedWith(await world.token(free, { ...grant, redirect_uri: free.redirectUri, resource }));
      // and nothing is spent by that
      expect((await world.exchange(free, code)).status).toBe(200);
    },
    refresh: async ({ refreshToken }) => {
      await refusedWith(await world.refresh(free, refreshToken, { resource }));
      const { body } = await world.refresh(free, refreshToken);
      await refusedWith(
        await world.refresh(free, String(body['refresh_token']), { scope: SCOPE }),
        'invalid_scope',
      );
    },
    device: async ({ device, browser }) => {
      await refusedWith(await pollDevice(world, free, device, { resource }));
      expect((await pollDevice(world, free, device)).status).toBe(200);
      const { user_code: userCode } = await beginDevice(world, free, { scope: SCOPE });
      sentToChoose(await enterCode(browser, userCode));
    },
    'token exchange': async ({ accessToken }) => {
      const grant = { grant_type: EXCHANGE, subject_token: accessToken, subject_token_type: ACCESS_TOKEN };
      for (const target of [{ resource }, { audience: 'reports' }]) {
        await refusedWith(await world.token(free, { ...grant, ...target }), 'invalid_target');
      }
    },
  };
  it.each(Object.entries(FOR_NONE))('no organization at all: %s', async (_, refused) => {
    await refused(await prepareForNone());
  });

  it('many grants at once by the same person take one seat, and all of them are answered', async () => {
    const prepared = await prepare();
    await named(prepared.license, prepared.organization, true, 1);
    const grants = Object.entries(GRANTS).filter(([grant]) => grant !== 'client credentials');
    const answers = await Promise.all(grants.map(([, grant]) => grant(prepared)));
    expect(answers.map(({ issued }) => issued)).toEqual(grants.map(() => true));
    expect(await seatsOf(prepared.license, prepared.email)).toEqual([{ way: 'first-use' }]);
  });

  it('a refusal for want of a seat spends nothing: once a seat is free the same code and refresh token work', async () => {
    const prepared = await prepare();
    await named(prepared.license, prepared.organization, true, 0);
    expect((await world.exchange(web, prepared.code)).body['error']).toBe('access_denied');
    expect((await world.refresh(web, prepared.refreshToken)).body['error']).toBe('access_denied');
    await world.app
      .get(SeatRepository)
      .releaseSeat(prepared.license, world.id(`other-0@${prepared.organization}.example`), 'test');
    expect((await world.exchange(web, prepared.code)).status).toBe(200);
    expect((await world.refresh(web, prepared.refreshToken)).status).toBe(200);
  });

  it('the last seat goes to one of many who come first at once, and the others are told that there is none', async () => {
    const all = await prepare();
    const emails = Array.from({ length: 8 }, (_, index) => `comer-${index}@${all.organization}.example`);
    for (const email of emails) await world.createPerson(email, 'Comer', { [all.organization]: 'member' });
    const tokens: string[] = [];
    for (const email of emails) {
      const browser = await world.signIn(email);
      const { body } = await world.exchange(web, await world.code(web, browser, { scope: SCOPE }));
      tokens.push(String(body['refresh_token']));
    }
    await named(all.license, all.organization, true, 1);
    const answers = (await Promise.all(tokens.map((token) => world.refresh(web, token)))).map(ofToken);
    expect(answers.filter(({ issued }) => issued)).toHaveLength(1);
    for (const { issued, told } of answers) if (!issued) expect(told).toContain('SEATS_EXHAUSTED');
  });
});

function missing(): never {
  throw new Error('the matrix has no such cell');
}
