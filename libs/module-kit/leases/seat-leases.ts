import { LRUCache } from 'lru-cache';
import type { KitClock } from '../clock.js';
import type { StreamHealth } from '../events/stream-health.js';
import type { Principal } from '../guards/principal.js';
import { CoreAuthRefusal, CoreAuthUnavailable, type CoreAuthClient } from '../http/core-auth.client.js';
import { SingleFlight } from '../http/single-flight.js';
import type { HeldSeat } from '../licensing/index.js';
import type { KitLog } from '../log.js';
import { Doubts } from './doubts.js';
import { readLease, type LeaseAnswer } from './lease-answer.js';

/** A floating seat that this process holds for a person, or held. */
export interface HeldLease {
  readonly organizationId: string;
  readonly userId: string;
  readonly device: string;
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
 * forgets, gives nothing back. A seat that nobody renews is free at the end of its term.
 */
export class SeatLeases {
  private readonly held: LRUCache<string, HeldLease>;
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
    this.held = new LRUCache({ max: MOST });
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
    return [...this.held.values()].filter(({ until }) => now < until).length;
  }

  /** For a decision: the floating seat of the person, or none. */
  heldBy(principal: Principal): { leases: readonly HeldSeat[] } | undefined {
    const lease = this.leaseOf(principal);
    if (!lease) return undefined;
    const until = new Date(this.clock.now() + (lease.until - this.clock.elapsed()));
    return { leases: [{ licenseId: lease.licenseId, until }] };
  }

  /** The person asks for something, and so is still there. */
  touch(principal: Principal): void {
    const key = keyOf(principal);
    const lease = key === undefined ? undefined : this.held.get(key);
    if (!lease) return;
    lease.usedAt = this.clock.elapsed();
    this.renewIfDue(lease);
  }

  /** Something was heard that may have ended leases of an organization, or of one person there. */
  doubt(organizationId: string, userId?: string): void {
    this.doubts.raise(organizationId, userId);
  }

  /**
   * Before a decision: makes sure that what `heldBy` will say is so, as of everything that was heard.
   * @param answers whether Core Auth answers; a lease that nothing was heard of lasts to its end while it does not
   * @returns false when the lease may have ended and nobody can tell
   */
  async confirm(principal: Principal, answers: boolean): Promise<boolean> {
    const key = keyOf(principal);
    if (key === undefined) return true;
    for (let asked = 0; asked < MOST_QUESTIONS; asked += 1) {
      const lease = this.held.get(key);
      if (!lease || this.clock.elapsed() >= lease.until) return true;
      const doubtful = this.isDoubtful(lease);
      if (!doubtful && (!answers || this.isFresh(lease))) return true;
      if (this.unanswered.has(lease.id)) return !doubtful;
      await this.renewals.run(lease.id, () => this.renew(lease));
    }
    const lease = this.held.get(key);
    return !lease || !this.isDoubtful(lease);
  }

  private isDoubtful({ organizationId, userId, heard }: HeldLease): boolean {
    return this.doubts.since(heard, organizationId, userId);
  }

  private isFresh({ confirmedAt }: HeldLease): boolean {
    if (this.stream.hearing && confirmedAt >= this.stream.heardSinceElapsed) return true;
    return this.clock.elapsed() - confirmedAt < DEAF_AGE_MS;
  }

  /** The lease that `heldBy` speaks of, its fence number included. */
  leaseOf(principal: Principal): Readonly<HeldLease> | undefined {
    const key = keyOf(principal);
    return key === undefined ? undefined : this.held.get(key);
  }

  /** Takes a seat of the first of these licenses that has one; one question at a time for a person and device. */
  async take(principal: Principal, licenseIds: readonly string[]): Promise<LeaseOutcome> {
    const key = keyOf(principal);
    const { user, organization } = principal;
    if (key === undefined || !user || !organization) return { state: 'none' };
    const refused = this.refusals.get(key);
    if (refused) return refused;
    return this.takings.run(key, async () => {
      const who = { organizationId: organization.id, userId: user.id, device: deviceOf(principal) };
      let outcome: LeaseOutcome;
      let left: boolean;
      try {
        outcome = await this.takeFirst(who, licenseIds);
      } finally {
        left = this.leaving.delete(key);
      }
      if (outcome.state !== 'held') this.refusals.set(key, outcome);
      if (!left) return outcome;
      await this.end((lease) => keyOfLease(lease) === key);
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

  private async end(concerns: (lease: HeldLease) => boolean): Promise<void> {
    const leases = [...this.held.entries()].filter(([, lease]) => concerns(lease));
    for (const [key] of leases) this.held.delete(key);
    await Promise.all(leases.map(([, lease]) => this.giveBack(lease)));
  }

  private async takeFirst(
    who: { organizationId: string; userId: string; device: string },
    licenseIds: readonly string[],
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
    who: Pick<HeldLease, 'organizationId' | 'userId' | 'device' | 'licenseId'>,
    { id, fence, seconds, heartbeatSeconds }: LeaseAnswer,
    { confirmedAt, heard }: Question,
  ): void {
    const heartbeatMs = heartbeatSeconds * 1000;
    const key = keyOfLease(who);
    const before = this.held.get(key);
    this.held.set(key, {
      ...who,
      ...{ id, fence, confirmedAt, heard, heartbeatMs },
      ...{ until: confirmedAt + seconds * 1000, heartbeatAt: confirmedAt + heartbeatMs },
      usedAt: Math.max(confirmedAt, before?.usedAt ?? 0),
    });
    if (before && before.licenseId !== who.licenseId) void this.giveBack(before);
  }

  private renewDue(): void {
    for (const lease of this.held.values()) this.renewIfDue(lease);
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
    const key = keyOfLease(lease);
    const question = this.question();
    try {
      const answer = readLease(await this.client.heartbeat(lease.id));
      if (!answer) this.unanswered.set(lease.id, true);
      // given back, or taken anew, meanwhile
      else if (this.held.peek(key)?.id === lease.id) this.remember(lease, answer, question);
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
      const held = this.held.peek(key);
      if (held?.id !== lease.id) return;
      this.held.set(key, { ...held, until: Math.min(held.until, question.confirmedAt) });
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

function keyOfLease({
  organizationId,
  userId,
  device,
}: Pick<HeldLease, 'organizationId' | 'userId' | 'device'>) {
  return `${organizationId} ${userId} ${device}`;
}

/** A person is at one device per session; a token without a session is one of its client. */
function deviceOf({ sessionId, clientId }: Principal): string {
  return (sessionId ?? clientId).slice(0, 128);
}
