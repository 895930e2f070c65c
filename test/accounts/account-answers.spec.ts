import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server';
import { OrganizationRepository } from '#accounts';
import { CatalogRepository, SeatLeaseRepository, SeatRepository, UsageRepository } from '#licensing';
import { Database, sql } from '#platform';
import { totpCode, totpStep } from '#sessions';
import { pathTo } from '../support/answers.js';
import { ApiReference } from '../support/api-reference.js';
import { secretFrom } from '../support/factors.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { SoftAuthenticator } from '../support/soft-authenticator.js';
import { PASSWORD, type Answer } from '../support/world.js';
import { AccountApiWorld, type Caller } from './account-api-world.js';

jest.setTimeout(60_000);

describe('docs/reference/account-api.json', () => {
  const reference = new ApiReference('account-api.json');
  let api: AccountApiWorld;

  beforeAll(async () => {
    api = await AccountApiWorld.start();
  });
  afterAll(() => api.stop());

  /** Calls an operation, and holds the answer against the reference. @param operation below the account */
  async function call(
    operation: string,
    token: string,
    { path = {}, body }: { path?: Readonly<Record<string, string>>; body?: unknown } = {},
  ): Promise<Answer> {
    const [verb = '', below = ''] = operation.split(' ');
    const whole = `${verb} /v1/account${below}`;
    const { method, path: address } = reference.addressOf(whole, path);
    const answer = await api.call(method, address.replace('/v1/account', ''), token, body);
    reference.expectToTell(whole, answer);
    return answer;
  }

  const newPasskey = (name: string, { body }: Answer) => ({
    name,
    credential: new SoftAuthenticator(api.world.url).create(
      body as unknown as PublicKeyCredentialCreationOptionsJSON,
    ),
  });

  it('says of the person, their sessions and applications what is answered', async () => {
    const { token, browser, email } = await api.person();
    await call('GET ', token);
    await call('PATCH ', token, { body: { name: 'Mira Doe' } });
    await api.world.code(api.world.client('projects'), browser);
    await call('GET /applications', token);
    await call('DELETE /applications/{clientId}', token, { path: { clientId: 'projects' } });
    await api.world.signIn(email);
    const { body } = await call('GET /sessions', token);
    const sessions = body['sessions'] as { id: string; current: boolean }[];
    const other = sessions.find(({ current }) => !current)?.id ?? '';
    await call('DELETE /sessions/{id}', token, { path: { id: other } });
    await call('DELETE /sessions', token);
  });

  it('says of who belongs to no organization what is answered', async () => {
    await api.world.createPerson('nobody@self.example', 'Noor Nobody', {});
    const { token } = await api.tokens(await api.world.signIn('nobody@self.example'));
    expect((await call('GET ', token)).body['organizations']).toEqual([]);
    const { body } = await call('GET /applications', token);
    expect(body['applications']).toMatchObject([{ organization: null }]);
    await call('GET /sessions', token);
    await call('GET /export', token);
  });

  it('says of password, address and factors what is answered', async () => {
    const { token } = await api.person();
    await call('GET /factors', token);
    const options = await call('POST /factors/passkeys/options', token);
    await call('POST /factors/passkeys', token, { body: newPasskey('Laptop', options) });
    const both = await api.protectedPerson();
    const { body: offered } = await call('POST /factors/authenticator-app/offers', both.token);
    const code = totpCode(secretFrom(String(offered['secret'])), totpStep(api.world.clock.now()));
    await call('PUT /factors/authenticator-app', both.token, { body: { offer: offered['offer'], code } });
    await call('POST /factors/recovery-codes', both.token);
    const again = await call('POST /factors/passkeys/options', both.token);
    await call('POST /factors/passkeys', both.token, { body: newPasskey('Phone', again) });
    await call('POST /factors/passkeys/options', both.token);
    const { body } = await call('GET /factors', both.token);
    const [{ id = '' } = {}] = body['passkeys'] as { id: string }[];
    await call('PATCH /factors/passkeys/{id}', both.token, { path: { id }, body: { name: 'Old phone' } });
    await call('GET /export', both.token);
    await call('DELETE /factors/passkeys/{id}', both.token, { path: { id } });
    await call('DELETE /factors/authenticator-app', both.token);
    const current = { current_password: PASSWORD };
    await call('POST /address', both.token, { body: { ...current, email: 'moved@self.example' } });
    await call('PUT /password', both.token, { body: { ...current, password: 'nineteen quiet pelicans' } });
  });

  it('says of what is taken along, of each kind, and of the end, what is answered', async () => {
    const person = await api.protectedPerson();
    const { token } = person;
    await call('POST /factors/passkeys', token, {
      body: newPasskey('Laptop', await call('POST /factors/passkeys/options', token)),
    });
    const address = { current_password: PASSWORD, email: 'elsewhere@self.example' };
    await call('POST /address', token, { body: address });
    const { email } = person;
    await api.world.browser().submit('/sign-in', '/sign-in', { email, password: 'wrong' });
    await allowAStranger(person.browser);
    await work(person);
    const { body } = await call('GET /export', token);
    const empty = Object.keys(body).filter((name) => Array.isArray(body[name]) && body[name].length === 0);
    expect(empty).toEqual([]);
    // who alone owns an organization stays
    expect((await call('POST /deletion', token)).body['code']).toBe('last_owner');
    const leaving = await api.person();
    await call('POST /deletion', leaving.token);
    await call('GET ', leaving.token);
    await call('DELETE /deletion', leaving.token);
  });

  /** What an application of nobody's suite may do, with consent. */
  async function allowAStranger(browser: HttpBrowser): Promise<void> {
    const { world } = api;
    const scope = 'openid profile';
    const stranger = await world.createClient({
      ...{ id: 'stranger', name: 'Stranger', firstParty: false, scopes: scope.split(' ') },
    });
    const { path } = world.authorizationRequest(stranger, { scope });
    await browser.submit(pathTo(await browser.get(path)), '/consent', { decision: 'allow' });
  }

  /** An organization and an invitation, a seat, a lease and a use. */
  async function work({ id, email }: Caller): Promise<void> {
    const { world } = api;
    const of = world.app;
    const actor = { id, address: null, factor: null };
    await of.get(OrganizationRepository).create({ name: 'Founded', key: undefined }, id, actor);
    await of.get(Database).query(sql`
      INSERT INTO invitations (id, organization_id, email, role, invited_by, created_at, expires_at, mails_sent)
      VALUES (gen_random_uuid(), ${world.id('globex')}, ${email}, 'member', 'test', now(), now(), 1)`);
    const named = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
    await of.get(SeatRepository).assignSeat(named, id, 'test');
    const floating = await world.license('acme', 'reports', { seatModel: 'floating', seatLimit: 1 });
    const lease = { licenseId: floating, userId: id, device: 'a desk' };
    await of.get(SeatLeaseRepository).acquireLease(lease, 'test');
    const catalog = of.get(CatalogRepository);
    const feature = { moduleKey: 'projects', key: 'pages', type: 'metered', combine: 'sum' } as const;
    await catalog.createFeature(feature, 'test');
    const plan = { planKey: 'paged', name: 'Paged', moduleKey: 'projects', features: { pages: 10 } };
    const { id: planVersionId } = await catalog.createPlanVersion(plan, 'test');
    await world.license('acme', 'projects', { planVersionId });
    const recorded = await of.get(UsageRepository).record({
      ...{ organizationId: world.id('acme'), module: 'projects', feature: 'pages', amount: 2 },
      ...{ userId: id, idempotencyKey: 'answers', clientId: 'projects' },
    });
    expect(recorded.allow).toBe(true);
  }

  it('says of refusals what is answered', async () => {
    const { token } = await api.person();
    await call('PATCH ', token, { body: {} });
    await call('GET ', 'nobody');
    await call('DELETE /sessions/{id}', token, { path: { id: 'none' } });
    await call('DELETE /deletion', token);
    await call('POST /factors/recovery-codes', token);
  });

  it('has no operation whose answer was not held against it', () => {
    expect(reference.unseen()).toEqual([]);
  });
});
