import { describe, expect, it } from '@jest/globals';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import { isPlainAttestation } from './webauthn-response.js';

function attested(fmt: string, statement: readonly (readonly [string, unknown])[] = []) {
  const attestation = new Map<string, unknown>([
    ['fmt', fmt],
    ['attStmt', new Map(statement)],
    ['authData', new Uint8Array(37)],
  ]);
  const attestationObject = Buffer.from(isoCBOR.encode(attestation as never)).toString('base64url');
  return { response: { attestationObject } } as RegistrationResponseJSON;
}

describe('the attestation of a new passkey', () => {
  it('may say nothing, or be signed by the passkey itself', () => {
    expect(isPlainAttestation(attested('none'))).toBe(true);
    expect(isPlainAttestation(attested('packed', [['alg', -7]]))).toBe(true);
  });

  it('brings no certificate along, whose addresses the server would ask', () => {
    const certificate = ['x5c', [new Uint8Array([1])]] as const;
    expect(isPlainAttestation(attested('packed', [certificate]))).toBe(false);
    for (const fmt of ['android-key', 'android-safetynet', 'tpm', 'apple', 'fido-u2f', 'other']) {
      expect([fmt, isPlainAttestation(attested(fmt, [certificate]))]).toEqual([fmt, false]);
      expect([fmt, isPlainAttestation(attested(fmt))]).toEqual([fmt, false]);
    }
  });

  it('is refused when it is none', () => {
    const nothing = { response: { attestationObject: 'AAAA' } } as RegistrationResponseJSON;
    expect(isPlainAttestation(nothing)).toBe(false);
  });
});
