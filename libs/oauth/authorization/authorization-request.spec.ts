import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseForm } from '#platform';
import type { Client } from '../clients/client.js';
import {
  answerParameters,
  answerUrl,
  AuthorizationError,
  readAuthorizationRequest,
} from './authorization-request.js';

const client = {
  id: 'app',
  redirectUris: ['https://app.example/callback'],
  grantTypes: ['authorization_code'],
  scopes: ['openid', 'profile'],
} as unknown as Client;
const good = {
  client_id: 'app',
  redirect_uri: 'https://app.example/callback',
  response_type: 'code',
  code_challenge: 'a'.repeat(43),
  code_challenge_method: 'S256',
};
const names = fc.constantFrom(
  'scope',
  'state',
  'nonce',
  'prompt',
  'max_age',
  'request',
  'response_mode',
  'login_hint',
  'redirect_uri',
  'x',
);

describe('authorization requests', () => {
  it('a good request is read', () => {
    const read = readAuthorizationRequest(
      { ...good, scope: 'openid', prompt: 'login consent', max_age: '60', state: 's' },
      client,
    );
    expect(read).toMatchObject({
      redirectUri: good.redirect_uri,
      scopes: ['openid'],
      maxAge: 60,
      state: 's',
    });
    expect([...read.prompt]).toEqual(['login', 'consent']);
  });

  it('RFC 6749 §4.1.2.1: whatever else is sent, an answer goes to a registered address or nowhere', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.string({ unit: 'binary', maxLength: 30 }))), (extra) => {
        const fields = parseForm(new URLSearchParams([...Object.entries(good), ...extra]).toString());
        try {
          expect(readAuthorizationRequest(fields, client).redirectUri).toBe(good.redirect_uri);
        } catch (error) {
          if (error instanceof AuthorizationError) {
            expect(error.returnAddress.redirectUri).toBe(good.redirect_uri);
            expect(error.description).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
          } else expect(error).toMatchObject({ status: 400, code: 'invalid_request' });
        }
      }),
    );
  });

  it('RFC 6749 §4.1.2, RFC 9207 §2: an answer is the address itself, then its parameters, state and issuer, whatever they hold', () => {
    const addresses = fc.constantFrom(
      'https://app.example/callback',
      'https://app.example/cb?a=%20b&c',
      'http://127.0.0.1:9/cb',
      'app:/cb',
    );
    fc.assert(
      fc.property(addresses, fc.string({ unit: 'binary' }), fc.string(), (redirectUri, state, code) => {
        const answer = answerUrl(
          redirectUri,
          answerParameters({ state }, 'https://issuer.example', { code }),
        );
        expect(answer.startsWith(redirectUri)).toBe(true);
        const { searchParams } = new URL(answer);
        expect(searchParams.getAll('code')).toEqual([code]);
        expect(searchParams.getAll('state')).toEqual([Buffer.from(state).toString('utf8')]);
        expect(searchParams.getAll('iss')).toEqual(['https://issuer.example']);
      }),
    );
  });
});
