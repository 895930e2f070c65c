import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CompactEncrypt, decodeProtectedHeader } from 'jose';
import { KeyRing, AccessTokens, OpaqueAccessTokens, type AccessTokenClaims } from '#tokens';
import { World, type TestClient } from '../support/world.js';

describe('opaque access tokens', () => {
  let world: World;
  let client: TestClient;
  let jwt: string;
  let claims: AccessTokenClaims;
  let opaque: OpaqueAccessTokens;

  beforeAll(async () => {
    world = await World.start();
    const signedIn = await world.signedInClient();
    client = signedIn.client;
    jwt = signedIn.tokens.access_token;
    opaque = world.app.get(OpaqueAccessTokens);
    const verified = await world.app.get(AccessTokens).verify(jwt);
    if (!verified) throw new Error('the server does not know its own token');
    claims = verified;
  });
  afterAll(() => world.stop());

  const active = async (token: string) => (await world.introspect(client, token)).body['active'];
  const userinfo = async (token: string) =>
    fetch(`${world.url}/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } });
  /** Encrypted under the server's own key, but otherwise than it does. */
  const encrypted = (content: unknown, header: Record<string, unknown> = {}) => {
    const { kid, key } = world.app.get(KeyRing).encryptionKey();
    return new CompactEncrypt(Buffer.from(JSON.stringify(content)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwe', kid, ...header })
      .encrypt(key);
  };

  it('tell a client nothing: neither header nor text shows a claim, and no two are alike', async () => {
    const [token, another] = [await opaque.seal(claims), await opaque.seal(claims)];
    expect(token).not.toBe(another);
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      typ: 'at+jwe',
      kid: world.app.get(KeyRing).encryptionKey().kid,
    });
    const decoded = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
    for (const value of [claims.sub, claims.client_id, claims.jti, claims.scope, 'acme']) {
      expect(decoded.join(' ')).not.toContain(value);
    }
  });

  it('are taken wherever a JWT is: userinfo answers, and introspection (RFC 7662 §2.2) says the same of both', async () => {
    const token = await opaque.seal(claims);
    const answer = await userinfo(token);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(await (await userinfo(jwt)).json());
    expect((await world.introspect(client, token)).body).toEqual((await world.introspect(client, jwt)).body);
    expect(await active(token)).toBe(true);
  });

  it('carry what a token bound to a key, of an actor or of a step-up says (RFC 9449 §6, RFC 8693 §4, RFC 9068 §2.2.1)', async () => {
    const more = {
      cnf: { jkt: 'x'.repeat(43) },
      act: { sub: 'reports', act: { sub: 'projects' } },
      may_act: { sub: 'reports', client_id: 'reports' },
      acr: '1',
      auth_time: 1,
    };
    const tokens = world.app.get(AccessTokens);
    const { iss, iat, exp, jti, ...grant } = claims;
    const built = tokens.claims({ ...grant, ...more }, 60);
    expect(await tokens.verify(await opaque.seal(built))).toEqual(built);
    expect(await tokens.verify(tokens.sign(built))).toEqual(built);
    expect(built).toMatchObject({ ...more, iss, iat, exp: iat + 60 });
    expect([exp, jti]).not.toContain(built.jti);
  });

  it('of another kind, issuer, type, key or server, or altered, are none of ours', async () => {
    expect(await active(await encrypted(claims))).toBe(true);
    const token = await opaque.seal(claims);
    const [header = '', , iv = '', ciphertext = '', tag = ''] = token.split('.');
    const otherServer = await World.start();
    for (const foreign of [
      await encrypted(claims, { typ: 'JWT' }),
      await encrypted(claims, { typ: undefined }),
      await encrypted(claims, { kid: 'unknown' }),
      await encrypted({ ...claims, iss: 'https://elsewhere.example' }),
      await encrypted({ ...claims, exp: undefined }),
      await encrypted('text'),
      await encrypted(null),
      await otherServer.app.get(OpaqueAccessTokens).seal(claims),
      [header, 'AAAA', iv, ciphertext, tag].join('.'),
      [header, '', iv, `A${ciphertext.slice(1)}`, tag].join('.'),
      [header, '', iv, ciphertext, `A${tag.slice(1)}`].join('.'),
      [header, '', iv, ciphertext, tag.slice(0, 6)].join('.'),
      [header, '', iv, ciphertext, tag, ''].join('.'),
      ['', '', iv, ciphertext, tag].join('.'),
      '....',
    ]) {
      if (foreign === token) continue;
      expect([foreign.length, await active(foreign)]).toEqual([foreign.length, false]);
      expect((await userinfo(foreign)).status).toBe(401);
    }
    await otherServer.stop();
    expect(await opaque.open(await opaque.seal({ ...claims, scope: 'x'.repeat(20_000) }))).toBeUndefined();
  });

  it('end with their time, and with their authorization (RFC 7009 §2.1)', async () => {
    const token = await opaque.seal(claims);
    const short = await opaque.seal(world.app.get(AccessTokens).claims(claims, 60));
    world.clock.advance(59_000);
    expect(await active(short)).toBe(true);
    world.clock.advance(1000);
    expect(await active(short)).toBe(false);
    expect(await active(token)).toBe(true);
    expect((await world.revoke(client, token)).status).toBe(200);
    expect(await active(token)).toBe(false);
    expect((await userinfo(jwt)).status).toBe(401);
  });
});
