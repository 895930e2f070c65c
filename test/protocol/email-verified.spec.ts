import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PasswordHasher } from '#accounts';
import { claimsOf, PASSWORD, World } from '../support/world.js';

const PROVED = 'proved@acme.example';
const MEMBER = 'member@acme.example';

describe('email_verified (OpenID Connect Core §5.1)', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    const passwordHash = await world.app.get(PasswordHasher).hash(PASSWORD);
    const person = { email: PROVED, name: 'Pia Proved', passwordHash, emailVerified: true };
    const { id } = await world.accounts.createUser(person, 'test');
    world.ids[PROVED] = id;
    await world.accounts.addMember({ userId: id, organizationId: world.id('acme'), role: 'member' }, 'test');
  }, 60_000);
  afterAll(() => world.stop());

  const claims = async (email: string, extra: Readonly<Record<string, string>>) => {
    const client = world.client('projects');
    const code = await world.code(client, await world.signIn(email), extra);
    const { body } = await world.exchange(client, code);
    const authorization = `Bearer ${String(body['access_token'])}`;
    const userinfo = await fetch(`${world.url}/oauth2/userinfo`, { headers: { authorization } });
    return {
      idToken: claimsOf(String(body['id_token']))['email_verified'],
      userinfo: ((await userinfo.json()) as Record<string, unknown>)['email_verified'],
      refreshed: claimsOf(
        String((await world.refresh(client, String(body['refresh_token']))).body['id_token']),
      )['email_verified'],
    };
  };

  it('comes with the scope email, in the ID token and from userinfo, and is true only of a proved address', async () => {
    const scope = { scope: 'openid email' };
    expect(await claims(PROVED, scope)).toEqual({ idToken: true, userinfo: true, refreshed: true });
    // whoever created the account said nothing about the address
    expect(await claims(MEMBER, scope)).toEqual({ idToken: false, userinfo: false, refreshed: false });
    expect(await claims(PROVED, { scope: 'openid profile' })).toEqual({});
  });

  it('§5.5: it may be asked for by itself', async () => {
    const wanted = JSON.stringify({ id_token: { email_verified: null } });
    expect(await claims(PROVED, { scope: 'openid', claims: wanted })).toEqual({
      idToken: true,
      refreshed: true,
    });
  });

  it('is among the claims that discovery names', async () => {
    const answer = await fetch(`${world.url}/.well-known/openid-configuration`);
    expect(((await answer.json()) as Record<string, unknown>)['claims_supported']).toContain(
      'email_verified',
    );
  });
});
