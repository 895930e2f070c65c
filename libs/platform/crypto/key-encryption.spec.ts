import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { KeyEncryption } from './key-encryption.js';

const first = { kid: 'first', secret: randomBytes(32) };
const second = { kid: 'second', secret: randomBytes(32) };
const encryption = new KeyEncryption([first]);
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

describe('envelopes of AES-256-GCM', () => {
  it('what was encrypted opens again under its context', () => {
    fc.assert(
      fc.property(bytes, fc.string(), (plaintext, context) => {
        expect(encryption.decrypt(encryption.encrypt(plaintext, context), context).equals(plaintext)).toBe(
          true,
        );
      }),
    );
  });

  it('no two envelopes are alike, and none shows what it holds', () => {
    const plaintext = Buffer.from('a secret that is long enough to be seen');
    const envelopes = Array.from({ length: 100 }, () => encryption.encrypt(plaintext, 'x'));
    expect(new Set(envelopes).size).toBe(100);
    expect(new Set(envelopes.map((envelope) => envelope.split('.')[2])).size).toBe(100);
    expect(envelopes[0]).toMatch(/^v1\.first\./);
    expect(Buffer.from(envelopes[0]?.split('.')[3] ?? '', 'base64url').includes('secret')).toBe(false);
  });

  it('an envelope under another context does not open', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (context, other) => {
        fc.pre(context !== other);
        const envelope = encryption.encrypt(Buffer.from('x'), context);
        expect(() => encryption.decrypt(envelope, other)).toThrow();
      }),
    );
  });

  it('an envelope of which any byte was changed does not open', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(2, 3, 4),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (part, at, change) => {
          const parts = encryption.encrypt(Buffer.from('sixteen bytes ok'), 'context').split('.');
          const changed = Buffer.from(parts[part] ?? '', 'base64url');
          const place = at % changed.length;
          changed[place] = (changed[place] ?? 0) ^ change;
          parts[part] = changed.toString('base64url');
          expect(() => encryption.decrypt(parts.join('.'), 'context')).toThrow();
        },
      ),
    );
  });

  it('a shortened authentication tag does not open it (NIST SP 800-38D §5.2.1.2)', () => {
    const parts = encryption.encrypt(Buffer.from('x'), 'context').split('.');
    parts[4] = Buffer.from(parts[4] ?? '', 'base64url')
      .subarray(0, 4)
      .toString('base64url');
    expect(() => encryption.decrypt(parts.join('.'), 'context')).toThrow();
  });

  it('the first key encrypts, every key of the ring decrypts, an unknown one is named', () => {
    const old = encryption.encrypt(Buffer.from('x'), 'context');
    const rotated = new KeyEncryption([second, first]);
    expect(rotated.encrypt(Buffer.from('x'), 'context')).toMatch(/^v1\.second\./);
    expect(rotated.decrypt(old, 'context').toString()).toBe('x');
    expect(() => new KeyEncryption([second]).decrypt(old, 'context')).toThrow(
      'unknown key-encryption key "first"',
    );
    expect(() => new KeyEncryption([{ ...second, kid: 'first' }]).decrypt(old, 'context')).toThrow();
    expect(() => new KeyEncryption([])).toThrow();
  });

  it('any other text is refused', () => {
    fc.assert(fc.property(fc.string(), (text) => expect(() => encryption.decrypt(text, '')).toThrow()));
  });
});
