import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { KeyedDigest } from './keyed-digest.js';
import { sha256 } from './random.js';

const first = { kid: 'first', secret: randomBytes(32) };
const second = { kid: 'second', secret: randomBytes(32) };

describe('keyed digests', () => {
  it('are the same for the same purpose and text, and for nothing else', () => {
    const digests = new KeyedDigest([first]);
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (purpose, text, other, otherText) => {
        const same = purpose === other && text === otherText;
        expect(digests.of(purpose, text).equals(digests.of(other, otherText))).toBe(same);
        expect(digests.of(purpose, text)).toHaveLength(32);
      }),
    );
  });

  it('under another key are others, and none is what anybody without the key can compute', () => {
    const digest = new KeyedDigest([first]).of('network', '192.0.2.1');
    expect(new KeyedDigest([{ ...first, secret: second.secret }]).of('network', '192.0.2.1')).not.toEqual(
      digest,
    );
    for (const text of ['192.0.2.1', 'network|192.0.2.1', '["network","192.0.2.1"]']) {
      expect(sha256(text)).not.toEqual(digest);
    }
  });

  it('what was written under any key of the ring is found, the first key’s before the others', () => {
    const [old, rotated] = [new KeyedDigest([first]), new KeyedDigest([second, first])];
    expect(rotated.ofEveryKey('code', 'x')).toEqual([rotated.of('code', 'x'), old.of('code', 'x')]);
    expect(rotated.of('code', 'x')).toEqual(new KeyedDigest([second]).of('code', 'x'));
    expect(() => new KeyedDigest([])).toThrow();
  });
});
