import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeChallengeOf, isCodeChallenge, isCodeVerifier } from './pkce.js';

const UNRESERVED = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'];
const verifiers = fc.string({ unit: fc.constantFrom(...UNRESERVED), minLength: 43, maxLength: 128 });

describe('PKCE (RFC 7636)', () => {
  it('appendix B: the example gives the challenge of the example', () => {
    expect(codeChallengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    );
  });

  it('§4.1, §4.2: every verifier is taken and gives a challenge that is taken', () => {
    fc.assert(
      fc.property(verifiers, (verifier) => {
        expect(isCodeVerifier(verifier)).toBe(true);
        expect(isCodeChallenge(codeChallengeOf(verifier))).toBe(true);
      }),
    );
  });

  it('§4.6: verifiers that differ in one character have different challenges', () => {
    fc.assert(
      fc.property(verifiers, fc.nat(127), fc.constantFrom(...UNRESERVED), (verifier, place, letter) => {
        const at = place % verifier.length;
        const other = verifier.slice(0, at) + letter + verifier.slice(at + 1);
        expect(codeChallengeOf(verifier) === codeChallengeOf(other)).toBe(verifier === other);
      }),
    );
  });

  it('§4.1: too short, too long, or of other characters is no verifier', () => {
    fc.assert(
      fc.property(
        verifiers,
        fc.nat(42),
        fc.constantFrom(' ', '+', '/', '=', 'é', '\n', '\0', '%'),
        (verifier, at, wrong) => {
          expect(isCodeVerifier(verifier.slice(0, 42))).toBe(false);
          expect(isCodeVerifier(verifier + 'a'.repeat(129 - verifier.length))).toBe(false);
          expect(isCodeVerifier(verifier.slice(0, at) + wrong + verifier.slice(at + 1))).toBe(false);
          expect(isCodeVerifier(`${verifier.slice(0, 100)}\n`)).toBe(false);
        },
      ),
    );
  });

  it('§4.2: what is not 43 characters of base64url is no challenge', () => {
    for (const text of [
      '',
      'a'.repeat(42),
      'a'.repeat(44),
      `${'a'.repeat(42)}=`,
      `${'a'.repeat(42)}+`,
      `${'a'.repeat(43)}\n`,
    ]) {
      expect(isCodeChallenge(text)).toBe(false);
    }
  });
});
