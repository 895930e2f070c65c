import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { KeyRing } from './key-ring.js';
import { OpaqueTokens, type OpaqueTokenType } from './opaque-token.js';

const key = (kid: string, byte: number) => ({ kid, secret: Buffer.alloc(32, byte) });
const ringOf = (...keys: { kid: string; secret: Buffer }[]) =>
  ({
    macKey: () => keys[0],
    macKeyById: (kid: string) => keys.find((each) => each.kid === kid),
    readForUnknownKey: () => Promise.resolve(),
  }) as unknown as KeyRing;
const [old, current, foreign] = [key('old', 1), key('now', 2), key('now', 3)];
const tokens = new OpaqueTokens(ringOf(current, old));

const anyToken = fc.record({
  authorizationId: fc.uuid(),
  generation: fc.integer({ min: 0, max: 999_999_999 }),
  rowSecret: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
});
const anyType = fc.constantFrom<OpaqueTokenType>('code', 'refresh_token', 'device_code');

describe('codes and refresh tokens', () => {
  it('what was minted is read again, as its own type alone', () => {
    fc.assert(
      fc.property(anyType, anyToken, (type, token) => {
        const text = tokens.mint(type, token);
        expect(tokens.read(type, text)).toEqual(token);
        for (const other of (['code', 'refresh_token', 'device_code'] as const).filter((one) => one !== type))
          expect(tokens.read(other, text)).toBeUndefined();
      }),
    );
  });

  it('the same generation is always the same text, so that a lost answer can be repeated', () => {
    fc.assert(
      fc.property(anyType, anyToken, (type, token) =>
        expect(tokens.mint(type, token)).toBe(tokens.mint(type, { ...token })),
      ),
    );
  });

  it('whatever character is changed, it is no token of ours: none has two texts', () => {
    const letters = fc.constantFrom(...'ABCxyz019-_.=+ ');
    fc.assert(
      fc.property(anyType, anyToken, fc.nat(200), letters, (type, token, at, letter) => {
        const text = tokens.mint(type, token);
        const place = at % text.length;
        const changed = text.slice(0, place) + letter + text.slice(place + 1);
        if (changed !== text) expect(tokens.read(type, changed)).toBeUndefined();
        expect(tokens.read(type, text + letter)).toBeUndefined();
      }),
    );
  });

  it('RFC 4648 §3.3, §3.5: no part of one may be written in another way that decodes to the same bytes', () => {
    const parts = tokens
      .mint('code', {
        authorizationId: '00000000-0000-4000-8000-000000000000',
        generation: 0,
        rowSecret: Buffer.alloc(16),
      })
      .split('.');
    // the authorization id, the row secret, the MAC
    for (const at of [1, 3, 4]) {
      const part = parts[at] ?? '';
      const last = String.fromCharCode(part.charCodeAt(part.length - 1) + 1);
      for (const same of [part.slice(0, -1) + last, `${part}=`, `${part}\0`, ` ${part}`]) {
        expect(Buffer.from(same, 'base64url')).toEqual(Buffer.from(part, 'base64url'));
        expect(tokens.read('code', parts.with(at, same).join('.'))).toBeUndefined();
      }
    }
  });

  it('another generation, row secret or authorization under the MAC of this one is refused', () => {
    fc.assert(
      fc.property(anyToken, anyToken, (token, other) => {
        const [kid, id, generation, secret, mac] = tokens.mint('refresh_token', token).split('.');
        const [, otherId, otherGeneration, otherSecret] = tokens.mint('refresh_token', other).split('.');
        for (const forged of [
          [kid, otherId, generation, secret, mac],
          [kid, id, otherGeneration, secret, mac],
          [kid, id, generation, otherSecret, mac],
        ]) {
          const read = tokens.read('refresh_token', forged.join('.'));
          if (read) expect(read).toEqual(token);
        }
      }),
    );
  });

  it('what another server minted under a key of the same name is refused', () => {
    const theirs = new OpaqueTokens(ringOf(foreign));
    fc.assert(
      fc.property(anyType, anyToken, (type, token) =>
        expect(tokens.read(type, theirs.mint(type, token))).toBeUndefined(),
      ),
    );
  });

  it('a retired key still reads what it minted; an unknown one reads nothing', () => {
    fc.assert(
      fc.property(anyToken, (token) => {
        const before = new OpaqueTokens(ringOf(old)).mint('refresh_token', token);
        expect(tokens.read('refresh_token', before)).toEqual(token);
        expect(new OpaqueTokens(ringOf(foreign)).read('refresh_token', before)).toBeUndefined();
      }),
    );
  });

  it('any other text is refused, and none makes it throw', () => {
    const parts = fc.array(
      fc.oneof(fc.constantFrom('now', 'old', '', '0', '-1', '1e3', '__proto__'), fc.string()),
      { maxLength: 7 },
    );
    fc.assert(fc.property(parts, (texts) => expect(tokens.read('code', texts.join('.'))).toBeUndefined()));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) =>
        expect(tokens.read('code', text)).toBeUndefined(),
      ),
    );
  });
});
