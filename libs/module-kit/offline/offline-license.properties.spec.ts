import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BEGIN, DAY, fileClaims, FileSigner, ISSUER } from '../../../test/support/license-files.js';
import { CLOCK_TOLERANCE, LicenseFileDenied, verifyLicenseFile } from './license-file.js';
import { OfflineLicense } from './offline-license.js';

const signer = new FileSigner();
const folder = mkdtempSync(join(tmpdir(), 'offline-properties-'));
afterAll(() => rmSync(folder, { recursive: true }));

const expected = { instance: 'plant', issuer: ISSUER, keys: signer.keys };
const codeOf = async (file: string) => {
  try {
    await verifyLicenseFile(file, expected);
    return 'OK';
  } catch (error) {
    if (error instanceof LicenseFileDenied) return error.code;
    throw error;
  }
};

describe('no change of a file verifies', () => {
  const file = signer.sign();
  const position = fc.nat({ max: file.length - 1 });
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const character = fc.constantFrom(...alphabet, '.', '=', '+', '/', ' ', '\n', '\u0000', 'é');
  const isChanged = (text: string) => text.trim() !== file;

  it('of one character, wherever it is replaced, put in or taken out', async () => {
    const mutations = fc.oneof(
      fc.tuple(position, character).map(([at, put]) => file.slice(0, at) + put + file.slice(at + 1)),
      fc.tuple(position, character).map(([at, put]) => file.slice(0, at) + put + file.slice(at)),
      position.map((at) => file.slice(0, at) + file.slice(at + 1)),
      position.map((at) => file.slice(0, at)),
    );
    await fc.assert(
      fc.asyncProperty(mutations.filter(isChanged), async (text) => {
        expect(['OFFLINE_BAD_SIGNATURE', 'OFFLINE_UNKNOWN_KEY']).toContain(await codeOf(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('nor of the last character, each other of which is tried', async () => {
    const others = [...alphabet].map((last) => file.slice(0, -1) + last).filter(isChanged);
    expect(others).toHaveLength(63);
    for (const other of others) expect(await codeOf(other)).toBe('OFFLINE_BAD_SIGNATURE');
  });

  it('nor of a claim under the same signature', async () => {
    const [header = '', , signature = ''] = file.split('.');
    const changes = fc
      .tuple(fc.constantFrom(...Object.keys(fileClaims())), fc.jsonValue())
      .filter(([name, value]) => JSON.stringify(fileClaims()[name as 'iss']) !== JSON.stringify(value));
    await fc.assert(
      fc.asyncProperty(changes, async ([name, value]) => {
        const payload = Buffer.from(JSON.stringify({ ...fileClaims(), [name]: value })).toString('base64url');
        expect(await codeOf(`${header}.${payload}.${signature}`)).toBe('OFFLINE_BAD_SIGNATURE');
      }),
    );
  });

  it('nor does any text, or any signed claims that are no license, and none is an error', async () => {
    await fc.assert(fc.asyncProperty(fc.string(), async (text) => expect(await codeOf(text)).not.toBe('OK')));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (claims) => {
        expect(await codeOf(signer.sign(claims))).toBe('OFFLINE_BAD_SIGNATURE');
      }),
    );
  });
});

type Step =
  | { readonly kind: 'clock'; readonly by: number }
  | { readonly kind: 'open'; readonly sequence: number }
  | { readonly kind: 'assign' | 'release'; readonly user: string };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('clock' as const),
    by: fc.constantFrom(
      1,
      59_999,
      60_000,
      300_000,
      DAY,
      9 * DAY,
      -1,
      -60_000,
      -300_000,
      -300_001,
      -DAY,
      -9 * DAY,
    ),
  }),
  fc.record({ kind: fc.constant('open' as const), sequence: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    kind: fc.constantFrom('assign' as const, 'release' as const),
    user: fc.constantFrom('ann', 'ben', 'cid'),
  }),
);

interface Stored {
  readonly highestTime: number;
  readonly licenses: Readonly<Record<string, { readonly sequence: number; readonly seats: string[] }>>;
}

/** An instance under whatever somebody does to its clock and files, and what must hold after each step. */
class Instance {
  private static count = 0;
  private readonly state = join(folder, String((Instance.count += 1)));
  private now = BEGIN + DAY;
  private license: OfflineLicense | undefined;
  private stored: Stored = { highestTime: 0, licenses: {} };
  /** The highest that was let in, ever and by the process that runs. */
  private sequence = 0;
  private ever = 0;
  private here = 0;

  async take(step: Step): Promise<void> {
    if (step.kind === 'clock') this.now += step.by;
    else if (step.kind === 'open') await this.open(step.sequence);
    else if (step.kind === 'assign') this.license?.assignSeat(step.user);
    else this.license?.releaseSeat(step.user);
    this.check();
  }

  private async open(sequence: number): Promise<void> {
    const { state } = this;
    const file = signer.sign(fileClaims({ seq: sequence }));
    this.license = await OfflineLicense.open({ ...expected, file, state, now: () => new Date(this.now) });
    this.here = 0;
    if (!this.license.denial) {
      expect(sequence).toBeGreaterThanOrEqual(this.sequence);
      this.sequence = sequence;
    }
  }

  private check(): void {
    const { license, now } = this;
    if (!license) return;
    if (license.decide({ userId: null, module: 'projects', environment: 'production' }).allow) {
      const tolerance = CLOCK_TOLERANCE * 1000;
      // what a process has seen within the last minute may be lost with it
      expect(now).toBeGreaterThanOrEqual(this.ever - 60_000 - tolerance);
      expect(now).toBeGreaterThanOrEqual(this.here - tolerance);
      expect(now).toBeLessThan(BEGIN + 30 * DAY);
    }
    // a denial for the clock is no sight of a later time; any other is
    if (license.denial?.code !== 'CLOCK_ROLLBACK') {
      this.ever = Math.max(this.ever, now);
      this.here = Math.max(this.here, now);
    }
    expect(license.seats.length).toBeLessThanOrEqual(2);
    this.checkStored();
  }

  private checkStored(): void {
    const before = this.stored;
    try {
      this.stored = JSON.parse(readFileSync(this.state, 'utf8')) as Stored;
    } catch {
      expect(before.highestTime).toBe(0);
      return;
    }
    expect(this.stored.highestTime).toBeGreaterThanOrEqual(before.highestTime);
    for (const [id, { sequence }] of Object.entries(before.licenses)) {
      expect(this.stored.licenses[id]?.sequence).toBeGreaterThanOrEqual(sequence);
    }
  }
}

it('neither time nor sequence ever goes back, and no more than the block are seated, whatever is done', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (all) => {
      const instance = new Instance();
      await instance.take({ kind: 'open', sequence: 1 });
      for (const step of all) await instance.take(step);
    }),
    { numRuns: 300 },
  );
}, 60_000);
