import { describe, expect, it } from '@jest/globals';
import { PasswordHasher } from './password-hasher.js';

const password = 'correct horse battery staple';

/** Medians of both, taken in turns so that a busy machine slows both alike. */
async function medianMilliseconds(...works: (() => Promise<unknown>)[]): Promise<number[]> {
  const times = works.map(() => [] as number[]);
  for (let round = 0; round < 21; round += 1) {
    for (const [index, work] of works.entries()) {
      const start = performance.now();
      await work();
      times[index]?.push(performance.now() - start);
    }
  }
  return times.map((taken) => taken.sort((x, y) => x - y)[10] ?? 0);
}

describe('password hashes', () => {
  const hasher = new PasswordHasher();

  it('are argon2id of 19456 KiB, two passes, one lane, with a salt of their own', async () => {
    const [one, two] = await Promise.all([hasher.hash(password), hasher.hash(password)]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
  });

  it('verify their password and no other', async () => {
    const encoded = await hasher.hash(password);
    expect(await hasher.verify(password, encoded)).toBe(true);
    expect(await hasher.verify(`${password} `, encoded)).toBe(false);
    expect(await hasher.verify('', encoded)).toBe(false);
  });

  it('verify the same characters however they were composed', async () => {
    const encoded = await hasher.hash('caf\u00e9 au lait, sans sucre');
    expect(await hasher.verify('cafe\u0301 au lait, sans sucre', encoded)).toBe(true);
  });

  it('are not matched by anything when there is none, and take as long', async () => {
    expect(await hasher.verify(password, undefined)).toBe(false);
    const encoded = await hasher.hash(password);
    const [known = 0, unknown = 0] = await medianMilliseconds(
      () => hasher.verify('wrong password', encoded),
      () => hasher.verify('wrong password', undefined),
    );
    expect(unknown).toBeGreaterThan(known / 2);
    expect(unknown).toBeLessThan(known * 2);
  });

  it('never match a text of more than 1024 characters, which is not cut to fit', async () => {
    const encoded = await hasher.hash('a'.repeat(1024));
    expect(await hasher.verify('a'.repeat(1024), encoded)).toBe(true);
    expect(await hasher.verify('a'.repeat(1025), encoded)).toBe(false);
  });

  it('ask to be made again when they were made at another cost', async () => {
    const encoded = await hasher.hash(password);
    expect(hasher.needsRehash(encoded)).toBe(false);
    expect(hasher.needsRehash(encoded.replace('m=19456', 'm=12288'))).toBe(true);
    expect(hasher.needsRehash(encoded.replace('argon2id', 'argon2i'))).toBe(true);
  });

  it('are handed over in groups of as many as still wait, sixteen at most, and one by one when nobody does', async () => {
    const one = PasswordHasher.limitedTo({ concurrency: 1, capacity: 64 });
    const turns: number[] = [];
    let turn = 0;
    const looking = setInterval(() => (turn += 1), 0);
    const tasks = Array.from({ length: 40 }, async () => {
      await one.verify(password, undefined);
      turns.push(turn);
    });
    await Promise.all(tasks);
    clearInterval(looking);
    const sizes = [...new Set(turns)].map((at) => turns.filter((each) => each === at).length);
    expect(sizes).toEqual([16, 12, 6, 3, 1, 1, 1]);
    expect(await one.verify(password, undefined)).toBe(false);
  });

  it('keep nobody else waiting when one of a group fails', async () => {
    const one = PasswordHasher.limitedTo({ concurrency: 1, capacity: 64 });
    const broken = () => one.verify(password, 'no hash at all');
    const outcomes = await Promise.allSettled([broken(), one.verify(password, undefined), broken()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  });

  it('answer 503 with Retry-After when too many are waiting, and go on afterwards', async () => {
    const narrow = PasswordHasher.limitedTo({ concurrency: 1, capacity: 1 });
    const results = await Promise.allSettled(
      Array.from({ length: 3 }, () => narrow.verify(password, undefined)),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(results[2]).toMatchObject({
      reason: { status: 503, code: 'temporarily_unavailable', headers: { 'retry-after': '2' } },
    });
    expect(await narrow.verify(password, undefined)).toBe(false);
  });
});
