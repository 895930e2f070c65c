import type { JSONWebKeySet } from 'jose';
import {
  decide,
  termsAt,
  type Decision,
  type DecisionQuestion,
  type LicenseSnapshot,
  type OfflineDenyCode,
} from '../licensing/index.js';
import {
  CLOCK_TOLERANCE,
  isInstanceName,
  LicenseFileDenied,
  requireInForce,
  verifyLicenseFile,
  type LicenseFileClaims,
} from './license-file.js';
import { offlineSnapshot } from './offline-snapshot.js';
import { OfflineState, type OfflineMemory, type RememberedLicense } from './offline-state.js';

/** Milliseconds of progress of the clock after which it is written down again. */
const REMEMBER_EVERY = 60_000;

export interface OfflineLicenseOptions {
  /** The text of the license file. */
  readonly file: string;
  /** This instance's name. */
  readonly instance: string;
  /** Core Auth's issuer URL. */
  readonly issuer: string;
  /** The public license keys. */
  readonly keys: JSONWebKeySet;
  /** Path of the state file; it is made at the first opening, and belongs to one process. */
  readonly state: string;
  /** The host's clock unless told. */
  readonly now?: () => Date;
}

/** Why nobody gets in, and a sentence for whoever runs the instance. */
export interface OfflineDenial {
  readonly code: OfflineDenyCode | 'CHECK_UNAVAILABLE';
  readonly sentence: string;
}

/** `OK`: the person has a seat now; otherwise what keeps them out. */
export type OfflineSeatCode = 'OK' | 'SEATS_EXHAUSTED' | OfflineDenial['code'];

/**
 * A license file at an instance without a network: it decides as a guard does, by the same `decide()`.
 *
 * The state file holds the highest time and sequence that were ever seen, the time also beyond the end of the file, and
 * who sits in the block. A clock that stands more than 300 s before the highest time, and a file of a lower sequence,
 * are CLOCK_ROLLBACK. So is a state that is corrupt or another instance's; and so is one that is missing, or knows
 * nothing of the license, when the file's sequence is above 1: such a file has forerunners, and only the state could
 * tell that none of them was outlived. The way out is a file for a new instance name, whose sequence begins at 1. What
 * cannot be written down is CHECK_UNAVAILABLE. A clock that is set right and a state that is put back count at once;
 * another file is opened anew.
 *
 * Whoever is root on the host can erase the state, restore an old copy of it, or change this code: the file bounds what
 * that is worth, by its expiry and its block. A suspension or revocation after the file was issued is not seen before
 * the next file.
 */
export class OfflineLicense {
  /** What the file says; undefined when it could not be believed. */
  readonly claims: LicenseFileClaims | undefined;
  private readonly state: OfflineState;
  private readonly instance: string;
  private readonly clock: () => Date;
  /** Of the file itself; no time mends it. */
  private readonly refused: OfflineDenial | undefined;
  private begun = false;
  private memory: OfflineMemory | undefined;
  private highestTime = 0;
  private decided: { seats: readonly string[]; snapshot: LicenseSnapshot } | undefined;

  private constructor(options: OfflineLicenseOptions, claims: LicenseFileClaims | OfflineDenial) {
    this.state = new OfflineState(options.state);
    this.instance = options.instance;
    this.clock = options.now ?? (() => new Date());
    if ('code' in claims) this.refused = claims;
    else this.claims = claims;
  }

  /**
   * A file that gives nothing is no error: every decision says why. What was seen is written down before it returns.
   * @throws TypeError when `instance` is no name of an instance
   */
  static async open(options: OfflineLicenseOptions): Promise<OfflineLicense> {
    if (!isInstanceName(options.instance)) {
      throw new TypeError('an instance is named by 1 to 128 letters, digits, dots, underscores and hyphens');
    }
    const claims = await verifyLicenseFile(options.file, options).catch(denialOf);
    const license = new OfflineLicense(options, claims);
    if (!license.refused) license.attempt((now) => license.requireForce(now));
    return license;
  }

  /** Why nobody gets in at this moment; undefined when the decision is the license's. */
  get denial(): OfflineDenial | undefined {
    return this.refused ?? this.attempt((now) => this.requireForce(now));
  }

  /** Those who sit in the block, the longest there first. */
  get seats(): readonly string[] {
    return this.remembered.seats;
  }

  /** @throws RangeError as `decide` does */
  decide(question: DecisionQuestion): Decision {
    const now = this.clock();
    const { denial, claims } = this;
    if (denial || !claims) return denied(denial?.code ?? 'OFFLINE_BAD_SIGNATURE', claims, now);
    const decision = decide(this.snapshot(claims), question, now);
    const ends = claims.exp * 1000;
    const next = Math.min(decision.nextTransitionAt?.getTime() ?? Infinity, ends);
    return { ...decision, nextTransitionAt: new Date(next) };
  }

  /** Seats a person in the block, for as long as nobody releases them; asking twice is asking once. */
  assignSeat(userId: string): OfflineSeatCode {
    return this.change((seats, block) => {
      if (seats.includes(userId)) return { code: 'OK', seats };
      return seats.length < block
        ? { code: 'OK', seats: [...seats, userId] }
        : { code: 'SEATS_EXHAUSTED', seats };
    });
  }

  /** Frees a person's seat of the block; nobody's is freed already. */
  releaseSeat(userId: string): OfflineSeatCode {
    return this.change((seats) => ({ code: 'OK', seats: seats.filter((seated) => seated !== userId) }));
  }

  private change(
    work: (seats: readonly string[], block: number) => { code: OfflineSeatCode; seats: readonly string[] },
  ): OfflineSeatCode {
    let code: OfflineSeatCode = 'OK';
    const failed =
      this.refused ??
      this.attempt((now) => {
        this.requireForce(now);
        const block = termsAt(this.soleLicense, now.getTime()).seatLimit ?? Infinity;
        const { sequence, seats: before } = this.remembered;
        const { seats, ...outcome } = work(before, block);
        code = outcome.code;
        if (seats.length !== before.length) this.remember({ sequence, seats });
      });
    return failed?.code ?? code;
  }

  /** What `work` refuses with; a state that cannot be read or written is a refusal too. */
  private attempt(work: (now: Date) => void): OfflineDenial | undefined {
    try {
      work(this.clock());
      return undefined;
    } catch (error) {
      return error instanceof LicenseFileDenied
        ? denialOf(error)
        : {
            code: 'CHECK_UNAVAILABLE',
            sentence:
              `The state file cannot be used (${String(error)}): ` +
              'see that its folder is there and that this process may write in it.',
          };
    }
  }

  /** What kept it from beginning is looked at again each time: a clock may be set right, and a state be put back. */
  private requireForce(now: Date): void {
    if (this.begun) {
      this.look(now);
    } else {
      this.begin(now);
      this.begun = true;
    }
  }

  /** Reads the state, and goes forward to this file's sequence. */
  private begin(now: Date): void {
    const { claims } = this;
    if (!claims) return;
    const id = licenseIdOf(claims);
    const found = this.state.read(this.instance);
    if (found === 'corrupt') {
      throw rollback(
        'The state file is damaged, or belongs to another instance: ' +
          'have a file issued for a new instance name, and begin with a state of its own.',
      );
    }
    const known = found === 'missing' || !Object.hasOwn(found.licenses, id) ? undefined : found.licenses[id];
    if (!known && claims.seq > 1) {
      throw rollback(
        `The state of this instance does not know the file's forerunners (it is number ${claims.seq}): ` +
          'have one issued for a new instance name.',
      );
    }
    this.memory = found === 'missing' ? { instance: this.instance, highestTime: 0, licenses: {} } : found;
    this.highestTime = Math.max(this.highestTime, this.memory.highestTime);
    this.notice(now);
    requireInForce(claims, now);
    if (known && claims.seq < known.sequence) {
      throw rollback(
        `Number ${known.sequence} of this file was opened before; this is number ${claims.seq}.`,
      );
    }
    this.remember({ sequence: claims.seq, seats: known?.seats ?? [] });
  }

  /** That time has not gone back, and that the file holds. */
  private look(now: Date): void {
    if (!this.claims) return;
    this.notice(now);
    requireInForce(this.claims, now);
  }

  /** Refuses a time that has been, and remembers how far it has come: also beyond the end of the file. */
  private notice(now: Date): void {
    if (now.getTime() < this.highestTime - CLOCK_TOLERANCE * 1000) {
      throw rollback(`The clock stands before ${new Date(this.highestTime).toISOString()}, which has been.`);
    }
    this.highestTime = Math.max(this.highestTime, now.getTime());
    if (this.memory && this.highestTime - this.memory.highestTime >= REMEMBER_EVERY) {
      this.write(this.memory.licenses);
    }
  }

  private remember(license: RememberedLicense): void {
    if (!this.claims || !this.memory) return;
    this.write({ ...this.memory.licenses, [licenseIdOf(this.claims)]: license });
  }

  private write(licenses: OfflineMemory['licenses']): void {
    const memory = { instance: this.instance, highestTime: this.highestTime, licenses };
    this.state.write(memory);
    this.memory = memory;
  }

  private get remembered(): RememberedLicense {
    const known = this.claims && this.memory?.licenses[licenseIdOf(this.claims)];
    return known ?? { sequence: this.claims?.seq ?? 0, seats: [] };
  }

  private get soleLicense(): LicenseSnapshot['licenses'][number] {
    const [license] = this.claims ? this.snapshot(this.claims).licenses : [];
    if (!license) throw new Error('a license file without a license');
    return license;
  }

  /** Made once for those who are seated: `decide()` remembers their ranks by it. */
  private snapshot(claims: LicenseFileClaims): LicenseSnapshot {
    const { seats } = this.remembered;
    if (this.decided?.seats !== seats) this.decided = { seats, snapshot: offlineSnapshot(claims, seats) };
    return this.decided.snapshot;
  }
}

function licenseIdOf({ license }: LicenseFileClaims): string {
  return license.licenses[0]?.id ?? '';
}

function denied(code: OfflineDenial['code'], claims: LicenseFileClaims | undefined, now: Date): Decision {
  return {
    allow: false,
    code,
    licenseId: claims ? licenseIdOf(claims) : null,
    version: claims?.license.version ?? null,
    decidedAt: now,
    nextTransitionAt: null,
  };
}

function denialOf(error: unknown): OfflineDenial {
  if (!(error instanceof LicenseFileDenied)) throw error;
  return { code: error.code, sentence: error.message };
}

function rollback(sentence: string): LicenseFileDenied {
  return new LicenseFileDenied('CLOCK_ROLLBACK', sentence);
}
