import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { complete } from '../clients/client.repository.js';
import { OAuthError } from '../oauth.errors.js';
import { readClientMetadata, registeredMetadata, type MetadataRules } from './client-metadata.js';

const RULES: MetadataRules = {
  methods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  defaultMethod: 'client_secret_basic',
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  scopes: ['openid', 'profile', 'email', 'offline_access'],
};
const KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const REDIRECT = 'https://app.example/callback';

/** What a client would be told that it is registered as. */
function told(document: unknown, rules = RULES): Record<string, unknown> {
  const { stated, name, policy } = readClientMetadata(document, rules);
  return registeredMetadata(complete({ id: 'app', name: name ?? 'app', ...policy }), stated);
}

const scopes = fc.subarray([...RULES.scopes], { minLength: 1 }).map((chosen) => chosen.join(' '));
const good = fc.record(
  {
    redirect_uris: fc.uniqueArray(
      fc.constantFrom(REDIRECT, 'https://app.example/', 'http://127.0.0.1:1/x', 'com.example.app:/x'),
      { minLength: 1 },
    ),
    token_endpoint_auth_method: fc.constantFrom('client_secret_basic', 'client_secret_post', 'none'),
    grant_types: fc.constantFrom(['authorization_code'], ['authorization_code', 'refresh_token']),
    client_name: fc.constantFrom('Some App', 'Ünïcode 🙂', 'アプリ'),
    scope: scopes,
    contacts: fc.array(fc.emailAddress({ size: 'small' }), { maxLength: 5, minLength: 1 }),
    jwks: fc.constant({ keys: [KEY] }),
    dpop_bound_access_tokens: fc.boolean(),
    software_id: fc.constantFrom('one', 'two'),
  },
  { requiredKeys: ['redirect_uris'] },
);

describe('client metadata (RFC 7591 §2)', () => {
  it('what a client is told that it has registered, it can register again, to the same effect', () => {
    fc.assert(
      fc.property(good, (metadata) => {
        const first = told(metadata);
        expect(told(first)).toEqual(first);
      }),
    );
  });

  it('members that are unknown, or null, change nothing', () => {
    fc.assert(
      fc.property(
        good,
        fc.dictionary(
          fc.string().map((name) => `x-${name}`),
          fc.jsonValue(),
        ),
        (metadata, more) => {
          expect(told({ ...more, logo_uri: null, scope: null, ...metadata })).toEqual(told(metadata));
        },
      ),
    );
  });

  it('any JSON is read or refused by an error of the protocol', () => {
    const names = ['redirect_uris', 'grant_types', 'jwks', 'scope', 'client_name', 'contacts', 'jwks_uri'];
    const anything = fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...names), fc.jsonValue()));
    fc.assert(
      fc.property(anything, fc.boolean(), (document, lenient) => {
        try {
          told(document, lenient ? { ...RULES, forEveryServer: true } : RULES);
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth'])(
    'a key with the private member %s is refused',
    (name) => {
      expect(() => told({ redirect_uris: [REDIRECT], jwks: { keys: [{ ...KEY, [name]: 'AQAB' }] } })).toThrow(
        'public keys alone',
      );
    },
  );

  it('of a key only what matters is kept', () => {
    const { policy } = readClientMetadata(
      { redirect_uris: [REDIRECT], jwks: { keys: [{ ...KEY, kid: 'one', x5c: ['…'], note: {} }] } },
      RULES,
    );
    expect(policy.jwks).toEqual({ keys: [{ ...KEY, kid: 'one' }] });
  });

  it('a point that is not on the curve is no key', () => {
    const jwks = { keys: [{ ...KEY, x: KEY.y }] };
    expect(() => told({ redirect_uris: [REDIRECT], jwks })).toThrow('cannot be used');
  });

  it('an RSA key of less than 2048 bits is no key', () => {
    const jwks = { keys: [{ kty: 'RSA', n: Buffer.alloc(128, 255).toString('base64url'), e: 'AQAB' }] };
    expect(() => told({ redirect_uris: [REDIRECT], jwks })).toThrow('cannot be used');
  });

  it('a document for every server is read for what this one has', () => {
    const document = {
      redirect_uris: [REDIRECT, 'someapp:/callback'],
      grant_types: ['authorization_code', 'urn:x', 'refresh_token'],
      response_types: ['code', 'id_token'],
      scope: 'openid files:read',
    };
    expect(told(document, { ...RULES, forEveryServer: true })).toMatchObject({
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: 'openid',
    });
    expect(() => told(document)).toThrow(OAuthError);
  });
});
