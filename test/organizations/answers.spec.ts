import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ApiReference } from '../support/api-reference.js';
import { linkTo } from '../support/mailbox.js';
import type { Answer } from '../support/world.js';
import { ApiWorld } from './api-world.js';

jest.setTimeout(60_000);

const OWNER = 'owner@acme.example';

describe('docs/reference/organization-api.json', () => {
  const reference = new ApiReference('organization-api.json');
  let api: ApiWorld;
  let token: string;

  beforeAll(async () => {
    api = await ApiWorld.start();
    token = await api.tokenOf(OWNER);
  });
  afterAll(() => api.stop());

  /** Calls an operation of acme, and holds the answer against the reference. @param operation below the organization */
  async function call(
    operation: string,
    {
      path = {},
      query = '',
      body,
      by = token,
    }: { path?: Readonly<Record<string, string>>; query?: string; body?: unknown; by?: string } = {},
  ): Promise<Answer> {
    const [verb = '', below = ''] = operation.split(' ');
    const whole = `${verb} ${below.startsWith('/v1') ? below : `/v1/organizations/{organizationId}${below}`}`;
    const parameters = { organizationId: api.world.id('acme'), ...path };
    const { method, path: address } = reference.addressOf(whole, parameters);
    const answer = await api.call(method, address + query, by, body);
    reference.expectToTell(whole, answer);
    return answer;
  }

  it('says of the organization, its roles and how people sign in, what is answered', async () => {
    await call('GET /v1/organizations');
    await call('POST /v1/organizations', { body: { name: 'Another' } });
    await call('GET ');
    await call('PUT /name', { body: { name: 'Acme Corporation', key: 'acme' } });
    const { body } = await call('POST /roles', { body: { name: 'Keeper', permissions: [] } });
    const path = { roleId: String(body['id']) };
    await call('PUT /roles/{roleId}', { path, body: { name: 'Guardian', permissions: [] } });
    await call('GET /roles');
    await call('DELETE /roles/{roleId}', { path });
    await call('GET /security');
    await call('PUT /security/second-factor', { body: { required: false } });
    await call('PUT /security/session-limits', { body: { idle_seconds: 600, absolute_seconds: null } });
    await call('GET /security');
    await call('PUT /security/session-limits', { body: {} });
  });

  it('says of its people and of who is invited, what is answered', async () => {
    const path = { userId: api.world.id('member@acme.example') };
    await call('PUT /people/{userId}/role', { path, body: { role: 'billing' } });
    await call('GET /people');
    await call('GET /people', { query: '?limit=1' });
    const licenseId = await api.world.license('acme', 'reports', { seatModel: 'named', seatLimit: 3 });
    const wish = { email: 'a@new.example', role: 'member', license_id: licenseId };
    const { body } = await call('POST /invitations', { body: wish });
    const resent = await call('POST /invitations/{id}/resend', { path: { id: String(body['id']) } });
    await call('POST /invitations', { body: { email: 'b@new.example', role: 'member' } });
    await call('GET /invitations');
    await call('GET /invitations', { query: '?limit=1' });
    await call('GET /export');
    await call('DELETE /invitations/{id}', { path: { id: String(resent.body['id']) } });
    const email = 'joiner@globex.example';
    await api.world.createPerson(email, 'Jo Joiner', { globex: 'member' });
    await call('POST /invitations', { body: { email, role: 'member' } });
    const link = new URL((await linkTo(api.world, email)) ?? '', api.world.url);
    await call('POST /v1/invitations/accept', {
      by: await api.freshToken(email),
      body: { token: link.searchParams.get('token') },
    });
  });

  it('says of its end, and of who leaves, what is answered', async () => {
    await call('POST /deletion');
    await call('GET /export');
    await call('DELETE /deletion');
    await call('DELETE /people/{userId}', { path: { userId: api.world.id('billing@acme.example') } });
    await api.world.createPerson('leaver@acme.example', 'Lea Leaver', { acme: 'member' });
    await call('POST /leave', { by: await api.freshToken('leaver@acme.example') });
    const userId = api.world.id('admin@acme.example');
    await call('POST /people/{userId}/transfer', { path: { userId } });
  });

  it('says of refusals what is answered', async () => {
    await call('GET /people', { query: '?limit=0' });
    await call('POST /v1/organizations', { body: {} });
    await call('POST /deletion');
    await call('GET ', { by: 'nobody' });
    await call('DELETE /roles/{roleId}', { path: { roleId: 'none' } });
  });

  it('has no operation whose answer was not held against it', () => {
    expect(reference.unseen()).toEqual([]);
  });
});
