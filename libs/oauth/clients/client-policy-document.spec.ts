import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clientPolicy, readClientPolicy } from './client-policy-document.js';
import { CLIENT_AUTHENTICATION_METHODS, GRANT_TYPES, type Client } from './client.js';
import { complete } from './client.repository.js';

const address = fc.constantFrom(null, 'https://app.example/a', 'https://app.example/b?c');
const some = <T>(...values: T[]) => fc.uniqueArray(fc.constantFrom(...values));
const excused = fc.constantFrom(
  { pkceRequired: true, nonceRequired: true },
  { pkceRequired: false, nonceRequired: true },
  { pkceRequired: false, nonceRequired: false },
);
const clients = fc
  .tuple(
    excused,
    fc.record({
      name: fc.constantFrom('App', 'Größe'),
      tokenEndpointAuthMethod: fc.constantFrom(...CLIENT_AUTHENTICATION_METHODS),
      jwksUri: address,
      grantTypes: some(...GRANT_TYPES),
      redirectUris: some('https://app.example/callback', 'com.example.app:/callback'),
      postLogoutRedirectUris: some('https://app.example/out'),
      backchannelLogoutUri: address,
      scopes: some('openid', 'projects:read'),
      resources: fc.option(some('https://projects.example')),
      moduleKey: fc.constantFrom(null, 'projects'),
      firstParty: fc.boolean(),
      parRequired: fc.boolean(),
      dpopRequired: fc.boolean(),
      profile: fc.constantFrom('oauth21' as const, 'fapi2' as const),
      accessTokenFormat: fc.constantFrom('jwt' as const, 'opaque' as const),
      mayAct: fc.constantFrom(null, 'other'),
      clientUri: address,
      logoUri: address,
      tosUri: address,
      policyUri: address,
      contacts: some('ops@app.example'),
      idTokenAlgorithm: fc.constantFrom('ES256' as const, 'RS256' as const),
      accessTokenSeconds: fc.integer({ min: 1, max: 86_400 }),
      refreshTokenSeconds: fc.integer({ min: 1, max: 2_592_000 }),
      codeSeconds: fc.integer({ min: 1, max: 300 }),
    }),
  )
  .map(([pkce, members]): Client => complete({ id: 'app', ...pkce, ...members }));

describe('the policy of a client as a document', () => {
  it('read again, what was written is the same policy, and nothing else of the client', () => {
    fc.assert(
      fc.property(clients, (client) => {
        const read = readClientPolicy(
          JSON.parse(JSON.stringify(clientPolicy(client))) as Record<string, unknown>,
        );
        expect({ ...client, ...read }).toEqual(client);
        expect(read).not.toHaveProperty('secretSha256');
        expect(read).not.toHaveProperty('source');
      }),
    );
  });

  it('a member that is not there says nothing; null takes away', () => {
    expect(readClientPolicy({})).toEqual({});
    expect(readClientPolicy({ may_act: null, resources: null, redirect_uris: null })).toEqual({
      mayAct: null,
      resources: null,
      redirectUris: [],
    });
  });

  it.each([
    [{ redirect_uri: 'https://app.example/' }, 'A policy has no member "redirect_uri"'],
    [{ constructor: 1 }, 'A policy has no member "constructor"'],
    [{ source: 'administrator' }, 'A policy has no member "source"'],
    [{ client_name: null }, 'client_name must be there.'],
    [{ client_name: 'a\u202eb' }, 'cannot be shown'],
    [{ grant_types: ['password'] }, 'grant_types may be authorization_code, '],
    [{ redirect_uris: 'https://app.example/' }, 'redirect_uris must be a list'],
    [{ scope: 'a"b' }, 'scope must hold 50 scopes at most'],
    [{ first_party: 'yes' }, 'first_party must be true or false.'],
    [{ pkce: 'plain' }, 'pkce may be required, nonce, none, and not plain.'],
    [{ profile: 'fapi1' }, 'profile may be oauth21, fapi2'],
    [{ access_token_seconds: 86_401 }, 'a whole number from 1 to 86400'],
    [{ refresh_token_seconds: 0 }, 'a whole number from 1 to 2592000'],
    [{ code_seconds: '60' }, 'a whole number from 1 to 300'],
    [{ client_uri: 'javascript:alert(1)' }, 'client_uri must be an https URL.'],
    [{ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, 'jwks must hold public keys alone.'],
  ])('%j is refused: %s', (document, says) => {
    expect(() => readClientPolicy(document)).toThrow(says);
  });
});
