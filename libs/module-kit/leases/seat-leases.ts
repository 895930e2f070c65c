import { LRUCache } from 'lru-cache';
import type { KitClock } from '../clock.js';
import type { Principal } from '../guards/principal.js';
import { CoreAuthRefusal, CoreAuthUnavailable, type CoreAuthClient } from '../http/core-auth.client.js';
import { SingleFlight } from '../http/single-flight.js';
import type { KitLog } from '../log.js';
import { readLease, type LeaseAnswer } from './lease-answer.js';

/** A floating seat that this process holds for a person, or held. */
export interface HeldLease {
  readonly organizationId: string;
  readonly userId: string;
  readonly device: string;
  readonly licenseId: string;
  readonly id: string;
  readonly fence: number;
  /** Exclusive, in milliseconds by this host's clock; from when it was asked for, so never later than Core Auth's end. */
  readonly until: number;
  /** When the next sign of life is due, in milliseconds. */
  readonly heartbeatAt: number;
  readonly heartbeatMs: number;
  /** When its holder last asked for something, in milliseconds. */
  usedAt: number;
}

export type LeaseOutcome =
  | { state: 'held'; lease: { leasedUntil: Date; leasedLicenseId: string } }
  | { state: 'refused'; code: 'SEATS_EXHAUSTED' | 'OVER_ALLOCATED'; licenseId: string }
  /** Core Auth does not answer. */
  | { state: 'unavailable' }
  /** None of the licenses leases to this person. */
  | { state: 'none' };

const MOST = 10_000;
/** A refusal stands for this long before Core Auth is asked again for the same person. */
const REFUSAL_STANDS_MS = 1000;
const LOOK_EVERY_MS = 1000;
/** Requests at a time when the process ends. */
const RELEASES_AT_ONCE = 20;

/** Floating seats of the people who work in this process: taken on coming, renewed while they are active, given back. */
export class SeatLeases {
  private readonly held: LRUCache<string, HeldLease>;
  private readonly refusals: LRUCache<string, LeaseOutcome>;
  private readonly takings = new SingleFlight<LeaseOutcome>();
  private readonly renewals = new SingleFlight<void>();
  /** Signed out while a seat was being taken: it is given back as soon as it is there. */
  private readonly leaving = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: CoreAuthClient,
    private readonly clock: KitClock,
    private readonly log: KitLog,
  ) {
    this.held = new LRUCache({
      max: MOST,
      // nobody renews a seat that is forgotten
      dispose: (lease, _key, reason) => {
        if (reason === 'evict') void this.giveBack(lease);
      },
    });
    const perf = { now: () => clock.now() };
    this.refusals = new LRUCache({ max: MOST, ttl: REFUSAL_STANDS_MS, ttlResolution: 0, perf });
  }

  start(): void {
    this.timer ??= setInterval(() => this.renewDue(), LOOK_EVERY_MS).unref();
  }

  /** Gives all seats back. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    const leases = [...this.held.values()];
    this.held.clear();
    for (let at = 0; at < leases.length; at += RELEASES_AT_ONCE) {
      await Promise.all(leases.slice(at, at + RELEASES_AT_ONCE).map((lease) => this.giveBack(lease)));
    }
  }

  /** How many seats are held now. */
  get size(): number {
    const now = this.clock.now();
    return [...this.held.values()].filter(({ until }) => now < until).length;
  }

  /** For a decision: until when the person holds a seat of which license; says that they are active. */
  heldBy(principal: Principal): { leasedUntil: Date; leasedLicenseId: string } | undefined {
    const key = keyOf(principal);
    const lease = key === undefined ? undefined : this.held.get(key);
    if (!lease) return undefined;
    lease.usedAt = this.clock.now();
    this.renewIfDue(lease);
    return { leasedUntil: new Date(lease.until), leasedLicenseId: lease.licenseId };
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
      const asked = this.clock.now();
      try {
        const { organizationId, userId, device } = who;
        const wanted = { organization_id: organizationId, license_id: licenseId, user_id: userId, device };
        const answer = readLease(await this.client.holdLease(wanted));
        if (!answer) return { state: 'unavailable' };
        this.remember({ ...who, licenseId }, answer, asked);
        const leasedUntil = new Date(asked + answer.seconds * 1000);
        return { state: 'held', lease: { leasedUntil, leasedLicenseId: licenseId } };
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
    asked: number,
  ): void {
    const heartbeatMs = heartbeatSeconds * 1000;
    const key = keyOfLease(who);
    const before = this.held.get(key);
    this.held.set(key, {
      ...who,
      ...{ id, fence, heartbeatMs, until: asked + seconds * 1000, heartbeatAt: asked + heartbeatMs },
      usedAt: Math.max(asked, before?.usedAt ?? 0),
    });
    if (before && before.licenseId !== who.licenseId) void this.giveBack(before);
  }

  private renewDue(): void {
    for (const lease of this.held.values()) this.renewIfDue(lease);
  }

  /** Due every third of the term, and only for who has asked for something since the last sign of life. */
  private renewIfDue(lease: HeldLease): void {
    const now = this.clock.now();
    const active = lease.usedAt > lease.heartbeatAt - lease.heartbeatMs;
    if (now < lease.heartbeatAt || now >= lease.until || !active) return;
    void this.renewals.run(lease.id, () => this.renew(lease));
  }

  private async renew(lease: HeldLease): Promise<void> {
    const key = keyOfLease(lease);
    const asked = this.clock.now();
    try {
      const answer = readLease(await this.client.heartbeat(lease.id));
      // given back, or taken anew, meanwhile
      if (answer && this.held.peek(key)?.id === lease.id) this.remember(lease, answer, asked);
    } catch (error) {
      if (error instanceof CoreAuthUnavailable) return;
      if (!(error instanceof CoreAuthRefusal) || error.status === 401) {
        this.log.warn(
          `A floating seat was not renewed: ${error instanceof Error ? error.message : 'unknown'}`,
        );
        return;
      }
      // it is worth nothing any more: the next request takes one anew, or hears why it cannot
      const held = this.held.peek(key);
      if (held?.id === lease.id) this.held.set(key, { ...held, until: Math.min(held.until, asked) });
    }
  }

  /** A seat that cannot be given back now is free at the end of its term. */
  private async giveBack(lease: HeldLease): Promise<void> {
    if (this.clock.now() >= lease.until) return;
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
