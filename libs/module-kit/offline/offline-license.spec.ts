import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { BEGIN, DAY, fileClaims, FileSigner, ISSUER } from '../../../test/support/license-files.js';
import { OfflineLicense, type OfflineLicenseOptions } from './offline-license.js';

const signer = new FileSigner();
const question = (userId: string | null = null) => ({
  userId,
  module: 'projects',
  environment: 'production',
});

let folder: string;
let state: string;
let now: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'offline-'));
  state = join(folder, 'plant.json');
  now = BEGIN + DAY;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (file: string, changes: Partial<OfflineLicenseOptions> = {}) =>
  OfflineLicense.open({
    file,
    instance: 'plant',
    issuer: ISSUER,
    keys: signer.keys,
    state,
    now: () => new Date(now),
    ...changes,
  });

/** The code by which everything is refused, and that it is refused everywhere. */
async function refusal(file: string, changes: Partial<OfflineLicenseOptions> = {}) {
  const license = await open(file, changes);
  const { denial } = license;
  if (denial) {
    expect(denial.sentence).toMatch(/^[A-Z].+\.$/);
    expect(license.decide(question())).toMatchObject({ allow: false, code: denial.code });
    expect([license.assignSeat('ann'), license.releaseSeat('ann')]).toEqual([denial.code, denial.code]);
  }
  return denial?.code;
}

describe('a license file is refused by the code of what is wrong with it', () => {
  it.each<[string, () => string]>([
    ['nothing', () => ''],
    ['no JWS', () => 'hello'],
    ['a JWS of two parts', () => signer.sign().split('.').slice(0, 2).join('.')],
    ['no signature', () => `${signer.sign().split('.').slice(0, 2).join('.')}.`],
    ['more than 1 MiB', () => 'x'.repeat(1_048_577)],
    ['alg none', () => signer.sign(fileClaims(), { alg: 'none' })],
    ['another type', () => signer.sign(fileClaims(), { typ: 'at+jwt' })],
    ['no type', () => signer.sign(fileClaims(), { typ: undefined })],
    ['an extension that has to be understood', () => signer.sign(fileClaims(), { crit: ['new'], new: true })],
    ['another key of the same id', () => new FileSigner().sign()],
    ['another issuer', () => signer.sign(fileClaims({ iss: 'https://other.example' }))],
    ['no license in it', () => signer.sign({ ...fileClaims(), license: undefined })],
    ['a sequence of NaN', () => signer.sign({ ...fileClaims(), seq: null })],
    ['a negative block', () => signer.sign(fileClaims({ seat_block: -1 }))],
    ['an end beyond 2^53', () => signer.sign(fileClaims({ exp: 2 ** 53 }))],
    ["another organization's license", () => signer.sign(fileClaims({ sub: 'organization-2' }))],
    [
      'an HMAC by the public key',
      () => {
        const [, payload = ''] = signer.sign().split('.');
        const [key] = signer.keys.keys;
        const header = Buffer.from(
          JSON.stringify({ alg: 'HS256', typ: 'core-auth-license+jwt', kid: 'key-1' }),
        ).toString('base64url');
        const secret = Buffer.from(key?.x ?? '', 'base64url');
        const mac = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
        return `${header}.${payload}.${mac}`;
      },
    ],
  ])('OFFLINE_BAD_SIGNATURE: %s', async (_, file) => {
    expect(await refusal(file())).toBe('OFFLINE_BAD_SIGNATURE');
    expect(existsSync(state)).toBe(false);
  });

  it('OFFLINE_UNKNOWN_KEY: a key of another id, none, or one that is not Ed25519', async () => {
    const [key = {}] = signer.keys.keys;
    expect(await refusal(signer.sign(fileClaims(), { kid: 'key-2' }))).toBe('OFFLINE_UNKNOWN_KEY');
    expect(await refusal(signer.sign(fileClaims(), { kid: undefined }))).toBe('OFFLINE_UNKNOWN_KEY');
    for (const other of [{ kty: 'EC' }, { crv: 'X25519' }, { kid: 'key-3' }]) {
      const keys = { keys: [{ ...key, ...other }] } as OfflineLicenseOptions['keys'];
      expect(await refusal(signer.sign(), { keys })).toBe('OFFLINE_UNKNOWN_KEY');
    }
    expect(await refusal(signer.sign(), { keys: { keys: [] } })).toBe('OFFLINE_UNKNOWN_KEY');
  });

  it('OFFLINE_UNKNOWN_KEY: a key that is damaged in the set, which is said so that nobody looks for it in the file', async () => {
    const [key = {}] = signer.keys.keys;
    for (const damage of [{ x: '' }, { x: 'broken' }, { x: undefined }, { x: 7 }, { key_ops: ['sign'] }]) {
      const keys = { keys: [{ ...key, ...damage }] } as OfflineLicenseOptions['keys'];
      const { denial } = await open(signer.sign(), { keys });
      expect([damage, denial]).toEqual([
        damage,
        {
          code: 'OFFLINE_UNKNOWN_KEY',
          sentence: expect.stringContaining('is damaged among the license keys'),
        },
      ]);
    }
  });

  it('OFFLINE_UNKNOWN_KEY: one that is another key than its id says, as one wrong letter makes it', async () => {
    const kid = await calculateJwkThumbprint(signer.keys.keys[0] as JWK);
    const named = new FileSigner(kid);
    const own = { ...(signer.keys.keys[0] as JWK), kid };
    expect(await refusal(signer.sign(fileClaims(), { kid }), { keys: { keys: [own] } })).toBeUndefined();
    const { denial } = await open(signer.sign(fileClaims(), { kid }), { keys: named.keys });
    expect(denial).toEqual({
      code: 'OFFLINE_UNKNOWN_KEY',
      sentence: expect.stringContaining('carry them there again'),
    });
  });

  it('a file of the former key verifies while the set has both', async () => {
    const next = new FileSigner('key-2');
    const keys = { keys: [...next.keys.keys, ...signer.keys.keys] };
    expect(await refusal(signer.sign(), { keys })).toBeUndefined();
    expect(await refusal(next.sign(fileClaims({ seq: 2 })), { keys })).toBeUndefined();
  });

  it('OFFLINE_WRONG_INSTANCE: a file for another one', async () => {
    expect(await refusal(signer.sign(fileClaims({ aud: 'mill' })))).toBe('OFFLINE_WRONG_INSTANCE');
    expect(await refusal(signer.sign(), { instance: 'Plant' })).toBe('OFFLINE_WRONG_INSTANCE');
  });

  it('OFFLINE_EXPIRED: from its end on, and more than 300 s before its beginning', async () => {
    const file = signer.sign();
    const codes = [];
    for (const [name, at] of [
      ['early', BEGIN - 300_001],
      ['first', BEGIN - 300_000],
      ['last', BEGIN + 30 * DAY - 1],
      ['late', BEGIN + 30 * DAY],
    ] as const) {
      now = at;
      codes.push(await refusal(file, { state: join(folder, name) }));
    }
    expect(codes).toEqual(['OFFLINE_EXPIRED', undefined, undefined, 'OFFLINE_EXPIRED']);
  });

  it('OFFLINE_EXPIRED: also in a process that goes on', async () => {
    const license = await open(signer.sign());
    expect(license.decide(question()).allow).toBe(true);
    now = BEGIN + 30 * DAY;
    expect(license.decide(question())).toMatchObject({ allow: false, code: 'OFFLINE_EXPIRED' });
  });

  it('CLOCK_ROLLBACK: a clock more than 300 s before what was seen, in the process and after a restart', async () => {
    const license = await open(signer.sign());
    now += 5 * DAY;
    expect(license.decide(question()).code).toBe('OK');
    now -= 300_000;
    expect(license.decide(question()).code).toBe('OK');
    now -= 1;
    expect(license.decide(question())).toMatchObject({ allow: false, code: 'CLOCK_ROLLBACK' });
    expect(await refusal(signer.sign())).toBe('CLOCK_ROLLBACK');
    now += 1;
    expect(await refusal(signer.sign())).toBeUndefined();
  });

  it('CLOCK_ROLLBACK: a clock that was set back after it had passed the end of the file', async () => {
    await open(signer.sign());
    now = BEGIN + 31 * DAY;
    expect(await refusal(signer.sign())).toBe('OFFLINE_EXPIRED');
    now = BEGIN + 29 * DAY;
    expect(await refusal(signer.sign())).toBe('CLOCK_ROLLBACK');
  });

  it('CLOCK_ROLLBACK: a file of a lower sequence, and one whose forerunners the state does not know', async () => {
    const [first, second] = [signer.sign(), signer.sign(fileClaims({ seq: 2 }))];
    expect(await refusal(second)).toBe('CLOCK_ROLLBACK');
    expect(await refusal(first)).toBeUndefined();
    expect(await refusal(second)).toBeUndefined();
    expect(await refusal(second)).toBeUndefined();
    expect(await refusal(first)).toBe('CLOCK_ROLLBACK');
    rmSync(state);
    expect(await refusal(second)).toBe('CLOCK_ROLLBACK');
  });

  it('lets in a process that was started with a wrong clock or without its state, once that is mended', async () => {
    const [first, second] = [signer.sign(), signer.sign(fileClaims({ seq: 2 }))];
    (await open(first)).assignSeat('ann');
    await open(second);
    now -= DAY / 2;
    const rolledBack = await open(second);
    const early = await open(first, { state: join(folder, 'early'), now: () => new Date(now - DAY) });
    expect([rolledBack.denial?.code, early.denial?.code]).toEqual(['CLOCK_ROLLBACK', 'OFFLINE_EXPIRED']);
    now += DAY;
    expect(rolledBack.decide(question('ann')).code).toBe('OK');
    expect(early.assignSeat('ben')).toBe('OK');
    copyFileSync(state, join(folder, 'saved'));
    rmSync(state);
    const forgetful = await open(second);
    expect(forgetful.denial?.code).toBe('CLOCK_ROLLBACK');
    copyFileSync(join(folder, 'saved'), state);
    expect(forgetful.assignSeat('ben')).toBe('OK');
    expect(forgetful.seats).toEqual(['ann', 'ben']);
  });

  it('forgets no time that it saw while it was refused', async () => {
    now = BEGIN + 31 * DAY;
    const late = await open(signer.sign());
    expect(late.denial?.code).toBe('OFFLINE_EXPIRED');
    now += 59_000;
    expect(late.denial?.code).toBe('OFFLINE_EXPIRED');
    now -= 301_000;
    expect(late.denial?.code).toBe('CLOCK_ROLLBACK');
  });

  it('refuses the name of no instance at once', async () => {
    await expect(open(signer.sign(), { instance: 'a plant' })).rejects.toThrow(TypeError);
  });
});

describe('the state of an instance', () => {
  const written = () => JSON.parse(readFileSync(state, 'utf8')) as Record<string, unknown>;

  it.each<[string, (sound: Record<string, unknown>) => string]>([
    ['empty', () => ''],
    ['no JSON', () => '{"format":1,'],
    ['JSON of something else', () => 'null'],
    ['of another format', (sound) => JSON.stringify({ ...sound, format: 2 })],
    ["another instance's", (sound) => JSON.stringify({ ...sound, instance: 'mill' })],
    ['without a time', (sound) => JSON.stringify({ ...sound, highestTime: null })],
    ['of a negative time', (sound) => JSON.stringify({ ...sound, highestTime: -1 })],
    ['without licenses', (sound) => JSON.stringify({ ...sound, licenses: null })],
    ['of a broken sequence', (sound) => withLicense(sound, { sequence: 1.5, seats: [] })],
    ['of seats that are no list', (sound) => withLicense(sound, { sequence: 1, seats: 'ann' })],
    ['of somebody in two seats', (sound) => withLicense(sound, { sequence: 1, seats: ['ann', 'ann'] })],
  ])('that is damaged (%s) lets nobody in, says what to do, and is left as it is', async (_, damage) => {
    await open(signer.sign());
    const damaged = damage(written());
    writeFileSync(state, damaged);
    const license = await open(signer.sign());
    expect(license.denial).toEqual({
      code: 'CLOCK_ROLLBACK',
      sentence: expect.stringMatching(/state file is damaged.*new instance name/),
    });
    expect(license.decide(question())).toMatchObject({ allow: false, code: 'CLOCK_ROLLBACK' });
    expect(readFileSync(state, 'utf8')).toBe(damaged);
  });

  function withLicense(sound: Record<string, unknown>, remembered: unknown): string {
    return JSON.stringify({ ...sound, licenses: { 'license-1': remembered } });
  }

  it('cut off anywhere by a failing disk lets nobody in', async () => {
    await open(signer.sign());
    const { length } = readFileSync(state);
    const whole = join(folder, 'whole');
    copyFileSync(state, whole);
    for (let size = 0; size < length; size += 1) {
      copyFileSync(whole, state);
      truncateSync(state, size);
      expect((await open(signer.sign())).denial?.code).toBe('CLOCK_ROLLBACK');
    }
  });

  it.each<[string, () => void]>([
    ['its folder is missing', () => rmSync(folder, { recursive: true })],
    [
      'its folder is a file',
      () => {
        rmSync(folder, { recursive: true });
        writeFileSync(folder, '');
      },
    ],
    ['it is a folder', () => mkdirSync(state)],
    ['nothing can be written beside it', () => mkdirSync(`${state}.new`)],
  ])('that cannot be used (%s) lets nobody in and says so', async (_, spoil) => {
    spoil();
    const license = await open(signer.sign());
    expect(license.denial).toEqual({
      code: 'CHECK_UNAVAILABLE',
      sentence: expect.stringMatching(
        /^The state file cannot be used \(.*E[A-Z]+.*\): see that its folder is there/,
      ),
    });
    expect(license.decide(question())).toMatchObject({ allow: false, code: 'CHECK_UNAVAILABLE' });
    expect(license.assignSeat('ann')).toBe('CHECK_UNAVAILABLE');
  });

  it('that can no longer be written seats nobody whom it would forget, and denies once time has gone on', async () => {
    const license = await open(signer.sign());
    expect(license.assignSeat('ann')).toBe('OK');
    mkdirSync(`${state}.new`);
    expect(license.assignSeat('ben')).toBe('CHECK_UNAVAILABLE');
    expect(license.releaseSeat('ann')).toBe('CHECK_UNAVAILABLE');
    expect(license.seats).toEqual(['ann']);
    expect(license.decide(question('ann')).code).toBe('OK');
    now += 60_000;
    expect(license.decide(question('ann')).code).toBe('CHECK_UNAVAILABLE');
    rmSync(`${state}.new`, { recursive: true });
    expect(license.decide(question('ann')).code).toBe('OK');
    expect((await open(signer.sign())).seats).toEqual(['ann']);
  });

  it('survives a crash while it was being written', async () => {
    const license = await open(signer.sign());
    license.assignSeat('ann');
    writeFileSync(`${state}.new`, '{"format":1,"inst');
    const again = await open(signer.sign());
    expect([again.denial, again.seats]).toEqual([undefined, ['ann']]);
  });

  it('keeps every seat that was given, whatever people are called', async () => {
    const license = await open(signer.sign());
    expect([license.assignSeat(''), license.assignSeat('a,b'), license.assignSeat('ann')]).toEqual([
      'OK',
      'OK',
      'SEATS_EXHAUSTED',
    ]);
    expect((await open(signer.sign())).seats).toEqual(['', 'a,b']);
  });

  it('seats its whole block, whatever else is away with license files', async () => {
    const { license } = fileClaims();
    const offlineBlocks = [{ seats: 2, until: new Date(BEGIN + 30 * DAY).toISOString() }];
    const licenses = license.licenses.map((one) => ({ ...one, offlineBlocks }));
    const opened = await open(signer.sign(fileClaims({ license: { ...license, licenses } })));
    expect([opened.assignSeat('ann'), opened.assignSeat('ben')]).toEqual(['OK', 'OK']);
    expect([opened.decide(question('ann')).code, opened.decide(question('ben')).code]).toEqual(['OK', 'OK']);
  });

  it('is for its owner alone to read', async () => {
    await open(signer.sign());
    expect(statSync(state).mode & 0o777).toBe(0o600);
  });
});
