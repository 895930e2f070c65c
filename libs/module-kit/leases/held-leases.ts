import { LRUCache } from 'lru-cache';

/** A floating seat that this process holds for a person, or held. */
export interface HeldLease {
  readonly organizationId: string;
  readonly userId: string;
  readonly device: string;
  /** Person and device, as one text. */
  readonly holder: string;
  readonly licenseId: string;
  readonly id: string;
  readonly fence: number;
  /** Exclusive, as all times here by `KitClock.elapsed`; from when it was asked for, so never later than Core Auth's end. */
  readonly until: number;
  /** When the question was put to which Core Auth last answered that it is held, in milliseconds. */
  readonly confirmedAt: number;
  /** How much had been heard by then: what was heard later may have ended it. */
  readonly heard: number;
  /** When the next sign of life is due, in milliseconds. */
  readonly heartbeatAt: number;
  readonly heartbeatMs: number;
  /** When its holder last asked for something, in milliseconds. */
  usedAt: number;
}

/**
 * The floating seats of people: of each license one for each person and device. Of more holders than it remembers it
 * forgets who was away longest.
 */
export class HeldLeases {
  private readonly byHolder: LRUCache<string, readonly HeldLease[]>;

  constructor(most: number) {
    this.byHolder = new LRUCache({ max: most });
  }

  /** What somebody holds, or held until lately, in the order in which it was taken. */
  of(holder: string): readonly HeldLease[] {
    return this.byHolder.get(holder) ?? [];
  }

  /** The lease of the same license and holder, whichever it is by now. */
  sameAs({ holder, licenseId }: Pick<HeldLease, 'holder' | 'licenseId'>): HeldLease | undefined {
    return this.byHolder.peek(holder)?.find((lease) => lease.licenseId === licenseId);
  }

  all(): HeldLease[] {
    return [...this.byHolder.values()].flat();
  }

  /** In the place of the lease of the same license and holder, or after the others. */
  put(lease: HeldLease): void {
    const leases = this.byHolder.peek(lease.holder) ?? [];
    const there = leases.some(({ licenseId }) => licenseId === lease.licenseId);
    this.byHolder.set(
      lease.holder,
      there ? leases.map((one) => (one.licenseId === lease.licenseId ? lease : one)) : [...leases, lease],
    );
  }

  /**
   * @param holders whose leases are looked at, all unless told
   * @returns what was removed
   */
  remove(
    concerns: (lease: HeldLease) => boolean,
    holders: Iterable<string> = [...this.byHolder.keys()],
  ): HeldLease[] {
    const removed: HeldLease[] = [];
    for (const holder of holders) {
      const leases = this.byHolder.peek(holder) ?? [];
      const gone = leases.filter(concerns);
      if (gone.length === 0) continue;
      removed.push(...gone);
      const left = leases.filter((lease) => !gone.includes(lease));
      if (left.length > 0) this.byHolder.set(holder, left);
      else this.byHolder.delete(holder);
    }
    return removed;
  }

  clear(): void {
    this.byHolder.clear();
  }
}
