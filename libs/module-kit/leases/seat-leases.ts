import { LRUCache } from 'lru-cache';
import type { KitClock } from '../clock.js';
import type { StreamHealth } from '../events/stream-health.js';
import type { Principal } from '../guards/principal.js';
import { CoreAuthRefusal, CoreAuthUnavailable, type CoreAuthClient } from '../http/core-auth.client.js';
import { SingleFlight } from '../http/single-flight.js';
import type { HeldSeat } from '../licensing/index.js';
import type { KitLog } from '../log.js';
import { Doubts } from './doubts.js';
import { HeldLeases, type HeldLease } from './held-leases.js';
import { readLease, type LeaseAnswer } from './lease-answer.js';

type Question = Pick<HeldLease, 'confirmedAt' | 'heard'>;

export type LeaseOutcome =
  | { state: 'held' }
  | { state: 'refused'; code: 'SEATS_EXHAUSTED' | 'OVER_ALLOCATED'; licenseId: string }
  /** Core Auth does not answer. */
  | { state: 'unavailable' }
  /** None of the licenses leases to this person. */
  | { state: 'none' };

const MOST = 10_000;
/** A refusal stands for this long before Core Auth is asked again for the same person. */
const REFUSAL_STANDS_MS = 1000;
const LOOK_EVERY_MS = 1000;
/** When pushes are lost a lease is at most this old before it is asked about, as a snapshot is. */
const DEAF_AGE_MS = 4000;
/** Times that one request asks about a lease while more is being heard. */
const MOST_QUESTIONS = 3;

/**
 * Floating seats of the people who work in this process: taken on coming, renewed while they are active, given back when
 * they leave. Other processes of the module may work for the same person on the same seat: so a process that stops, or
 * forgets, gives nothing back. A seat that nobody renews is free at the end of its term. Whoever needs what only another
 * license has holds a seat of that one beside.
 */
export class SeatLeases {
  private readonly held = new HeldLeases(MOST);
  private readonly refusals: LRUCache<string, LeaseOutcome>;
  private readonly takings = new SingleFlight<LeaseOutcome>();
  private readonly renewals = new SingleFlight<void>();
  /** Leases that were asked about lately without an answer. */
  private readonly unanswered: LRUCache<string, true>;
  private readonly doubts = new Doubts();
  /** Signed out while a seat was being taken: it is given back as soon as it is there. */
  private readonly leaving = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: CoreAuthClient,
    private readonly stream: StreamHealth,
    private readonly clock: KitClock,
    private readonly log: KitLog,
  ) {
    const perf = { now: () => clock.elapsed() };
    const shortly = { max: MOST, ttl: REFUSAL_STANDS_MS, ttlResolution: 0, perf };
    this.refusals = new LRUCache(shortly);
    this.unanswered = new LRUCache(shortly);
  }

  start(): void {
    this.timer ??= setInterval(() => this.renewDue(), LOOK_EVERY_MS).unref();
  }

  /** Says no more that anybody is there. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.held.clear();
  }

  /** How many seats are held now. */
  get size(): number {
    const now = this.clock.elapsed();
    return this.held.all().filter(({ until }) => now < until).length;
  }

  /** For a decision: the floating seats of the person, or none. */
  heldBy(principal: Principal): { leases: readonly HeldSeat[] } | undefined {
    const leases = this.leasesOf(principal);
    if (leases.length === 0) return undefined;
    const behind = this.clock.now() - this.clock.elapsed();
    return {
      leases: leases.map(({ licenseId, until }) => ({ licenseId, until: new Date(until + behind) })),
    };
  }

  /** The person asks for something, and so is still there. */
  touch(principal: Principal): void {
    for (const lease of this.leasesOf(principal)) {
      lease.usedAt = this.clock.elapsed();
      this.renewIfDue(lease);
    }
  }

  /** Something was heard that may have ended leases of an organization, or of one person there. */
  doubt(organizationId: string, userId?: string): void {
    this.doubts.raise(organizationId, userId);
  }

  /**
   * Before a decision: makes sure that what `heldBy` will say is so, as of everything that was heard.
   * @param answers whether Core Auth answers; a lease that nothing was heard of lasts to its end while it does not
   * @returns false when a lease may have ended and nobody can tell
   */
  async confirm(principal: Principal, answers: boolean): Promise<boolean> {
    for (const lease of this.leasesOf(principal)) {
      if (!(await this.confirmOne(lease, answers))) return false;
    }
    return true;
  }

  private async confirmOne(known: HeldLease, answers: boolean): Promise<boolean> {
    for (let asked = 0; asked < MOST_QUESTIONS; asked += 1) {
      const lease = this.held.sameAs(known);
      if (!lease || this.clock.elapsed() >= lease.until) return true;
      const doubtful = this.isDoubtful(lease);
      if (!doubtful && (!answers || this.isFresh(lease))) return true;
      if (this.unanswered.has(lease.id)) return !doubtful;
      await this.renewals.run(lease.id, () => this.renew(lease));
    }
    const lease = this.held.sameAs(known);
    return !lease || !this.isDoubtful(lease);
  }

  private isDoubtful({ organizationId, userId, heard }: HeldLease): boolean {
    return this.doubts.since(heard, organizationId, userId);
  }

  private isFresh({ confirmedAt }: HeldLease): boolean {
    if (this.stream.hearing && confirmedAt >= this.stream.heardSinceElapsed) return true;
    return this.clock.elapsed() - confirmedAt < DEAF_AGE_MS;
  }

  /** The first of the leases that `heldBy` speaks of and that has not ended, its fence number included. */
  leaseOf(principal: Principal): Readonly<HeldLease> | undefined {
    const leases = this.leasesOf(principal);
    return leases.find(({ until }) => this.clock.elapsed() < until) ?? leases[0];
  }

  private leasesOf(principal: Principal): readonly HeldLease[] {
    const holder = keyOf(principal);
    return holder === undefined ? [] : this.held.of(holder);
  }

  /**
   * Takes a seat of the first of these licenses that has one; one question at a time for a person, device and licenses.
   * @param kept of which licenses the person keeps the seats that they have; others lease no more
   */
  async take(
    principal: Principal,
    licenseIds: readonly string[],
    kept: readonly string[] = licenseIds,
  ): Promise<LeaseOutcome> {
    const holder = keyOf(principal);
    const { user, organization } = principal;
    if (holder === undefined || !user || !organization) return { state: 'none' };
    const taking = `${licenseIds.join(' ')} ${holder}`;
    const refused = this.refusals.get(taking);
    if (refused) return refused;
    return this.takings.run(taking, async () => {
      const who = { organizationId: organization.id, userId: user.id, device: deviceOf(principal), holder };
      let outcome: LeaseOutcome;
      let left: boolean;
      try {
        outcome = await this.takeFirst(who, licenseIds, kept);
      } finally {
        left = this.leaving.delete(taking);
      }
      if (outcome.state !== 'held') this.refusals.set(taking, outcome);
      if (!left) return outcome;
      await this.end(() => true, [holder]);
      return { state: 'none' };
    });
  }

  /** Somebody signed out, or their session ended: what they hold in it is given back. */
  async endSession(sessionId: string): Promise<void> {
    for (const key of this.takings.keys()) if (key.endsWith(` ${sessionId}`)) this.leaving.add(key);
    await this.end((lease) => lease.device === sessionId);
  }

  /** A person is gone: what they hold anywhere is given back. */
  async endUser(userId: string): Promise<void> {
    await this.end((lease) => lease.userId === userId);
  }

  private async end(concerns: (lease: HeldLease) => boolean, holders?: readonly string[]): Promise<void> {
    await Promise.all(this.held.remove(concerns, holders).map((lease) => this.giveBack(lease)));
  }

  private async takeFirst(
    who: Pick<HeldLease, 'organizationId' | 'userId' | 'device' | 'holder'>,
    licenseIds: readonly string[],
    kept: readonly string[],
  ): Promise<LeaseOutcome> {
    let outcome: LeaseOutcome = { state: 'none' };
    for (const licenseId of licenseIds) {
      const question = this.question();
      try {
        const { organizationId, userId, device } = who;
        const wanted = { organization_id: organizationId, license_id: licenseId, user_id: userId, device };
        const answer = readLease(await this.client.holdLease(wanted));
        if (!answer) return { state: 'unavailable' };
        this.remember({ ...who, licenseId }, answer, question);
        void this.end(
          (lease) => lease.licenseId !== licenseId && !kept.includes(lease.licenseId),
          [who.holder],
        );
        return { state: 'held' };
      } catch (error) {
        if (error instanceof CoreAuthUnavailable) return { state: 'unavailable' };
        if (!(error instanceof CoreAuthRefusal)) throw error;
        if (error.status === 401) return { state: 'unavailable' };
        const { code } = error;
        // the first refusal for want of a seat is told; other refusals say that the license leases nothing now
        if ((code === 'SEATS_EXHAUSTED' || code === 'OVER_ALLOCATED') && outcome.state === 'none') {
          outcome = { state: 'refused', code, licenseId };
        }
      }
    }
    return outcome;
  }

  private remember(
    who: Pick<HeldLease, 'organizationId' | 'userId' | 'device' | 'holder' | 'licenseId'>,
    { id, fence, seconds, heartbeatSeconds }: LeaseAnswer,
    { confirmedAt, heard }: Question,
  ): void {
    const heartbeatMs = heartbeatSeconds * 1000;
    this.held.put({
      ...who,
      ...{ id, fence, confirmedAt, heard, heartbeatMs },
      ...{ until: confirmedAt + seconds * 1000, heartbeatAt: confirmedAt + heartbeatMs },
      usedAt: Math.max(confirmedAt, this.held.sameAs(who)?.usedAt ?? 0),
    });
  }

  private renewDue(): void {
    for (const lease of this.held.all()) this.renewIfDue(lease);
  }

  /** Due every third of the term, and only for who has asked for something since the last sign of life. */
  private renewIfDue(lease: HeldLease): void {
    const now = this.clock.elapsed();
    const active = lease.usedAt > lease.heartbeatAt - lease.heartbeatMs;
    if (now < lease.heartbeatAt || now >= lease.until || !active) return;
    void this.renewals.run(lease.id, () => this.renew(lease));
  }

  /** When a question is put, and how much was heard by then: its answer knows of that. */
  private question(): Question {
    return { confirmedAt: this.clock.elapsed(), heard: this.doubts.heard };
  }

  private async renew(lease: HeldLease): Promise<void> {
    const question = this.question();
    try {
      const answer = readLease(await this.client.heartbeat(lease.id));
      if (!answer) this.unanswered.set(lease.id, true);
      // given back, or taken anew, meanwhile
      else if (this.held.sameAs(lease)?.id === lease.id) this.remember(lease, answer, question);
    } catch (error) {
      this.unanswered.set(lease.id, true);
      if (error instanceof CoreAuthUnavailable) return;
      if (!(error instanceof CoreAuthRefusal) || error.status === 401) {
        this.log.warn(
          `A floating seat was not renewed: ${error instanceof Error ? error.message : 'unknown'}`,
        );
        return;
      }
      // it is worth nothing any more: the next request takes one anew, or hears why it cannot
      const held = this.held.sameAs(lease);
      if (held?.id !== lease.id) return;
      this.held.put({ ...held, until: Math.min(held.until, question.confirmedAt) });
    }
  }

  /** A seat that cannot be given back now is free at the end of its term. */
  private async giveBack(lease: HeldLease): Promise<void> {
    if (this.clock.elapsed() >= lease.until) return;
    try {
      await this.client.releaseLease(lease.id);
    } catch (error) {
      this.log.warn(
        `A floating seat is held until its end: ${error instanceof Error ? error.message : 'unknown reason'}`,
      );
    }
  }
}

function keyOf(principal: Principal): string | undefined {
  const { user, organization } = principal;
  return user && organization ? `${organization.id} ${user.id} ${deviceOf(principal)}` : undefined;
}

/** A person is at one device per session; a token without a session is one of its client. */
function deviceOf({ sessionId, clientId }: Principal): string {
  return (sessionId ?? clientId).slice(0, 128);
}
