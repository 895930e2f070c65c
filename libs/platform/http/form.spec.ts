import { PerformanceObserver } from 'node:perf_hooks';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseForm, singleFields } from './form.js';

/** What the memory that was used and left takes: unlike time, it does not depend on what else the machine does. */
async function garbageCollectionsOf(work: () => void): Promise<number> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  work();
  // they are told of in a later turn of the event loop
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  observer.disconnect();
  return collections;
}

describe('application/x-www-form-urlencoded', () => {
  it('RFC 6749 appendix B: plus and percent are decoded', () => {
    expect({ ...parseForm('a=b+c%26d&e=%C3%A9') }).toEqual({ a: 'b c&d', e: 'é' });
  });

  it('RFC 6749 §3.1: a parameter without a value counts as absent', () => {
    expect({ ...parseForm('a=&b&=c&d=1') }).toEqual({ '': 'c', d: '1' });
  });

  it('a repeated parameter becomes a list, so that whoever wants a text refuses it', () => {
    expect({ ...parseForm('a=1&a=2&a=3&b=1') }).toEqual({ a: ['1', '2', '3'], b: '1' });
  });

  it('a parameter that is repeated as often as a body can hold it is put into one list, not copied each time', async () => {
    const text = 'a=1&'.repeat(16_000);
    let values: unknown;
    const collections = await garbageCollectionsOf(() => (values = parseForm(text)['a']));
    expect(values).toHaveLength(16_000);
    // copies of the list so far would be a gigabyte of them, and some two hundred collections
    expect(collections).toBeLessThan(50);
  });

  it('of what was sent, only what was sent once is single', () => {
    expect(singleFields(parseForm('a=1&b=2&a=3&c='))).toEqual({ b: '2' });
  });

  it('a name can only be a name: nothing is inherited and nothing polluted', () => {
    const fields = parseForm('__proto__=x&constructor=y&toString=z&__proto__[a]=b');
    expect(Object.keys(fields).sort()).toEqual(['__proto__', '__proto__[a]', 'constructor', 'toString']);
    expect(Object.getPrototypeOf(fields)).toBeNull();
    expect(parseForm('')['toString']).toBeUndefined();
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  it('what was written is read again, and no text makes it throw', () => {
    const pairs = fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string({ minLength: 1 })));
    fc.assert(
      fc.property(pairs, (given) => {
        const fields = parseForm(new URLSearchParams(given).toString());
        for (const [name] of given) {
          const values = given.filter(([each]) => each === name).map(([, value]) => value);
          expect(fields[name]).toEqual(values.length === 1 ? values[0] : values);
        }
      }),
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseForm(text)));
  });
});
