import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { EventStream, isPublicKind, securityEventClaims, type OutboxEvent } from '#events';
import { Configuration } from '#platform';
import { EventReceiverRepository, type Outstanding } from './event-receiver.repository.js';
import type { PollRequest } from './poll-request.js';
import { SecurityEventTokens } from './security-event-tokens.js';

/** Milliseconds that a poll waits for an event; below the patience of common proxies. */
const LONGEST_WAIT = 25_000;
/** Polls of one client that wait on this node at a time; others are answered at once. */
const MAX_WAITING = 4;
const NOTHING: Outstanding = { events: [], more: false };

/** RFC 8936 §2.5 */
export interface PollAnswer {
  readonly sets: Readonly<Record<string, string>>;
  readonly moreAvailable: boolean;
}

/** Poll-based delivery of security event tokens (RFC 8936): each is told until the receiver has acknowledged it. */
@Injectable()
export class EventPolling implements BeforeApplicationShutdown {
  private readonly shutdown = new AbortController();
  private readonly polls = new Set<Promise<unknown>>();
  private readonly waiting = new Map<string, number>();

  constructor(
    private readonly receivers: EventReceiverRepository,
    private readonly stream: EventStream,
    private readonly tokens: SecurityEventTokens,
    private readonly configuration: Configuration,
  ) {}

  /** Polls that wait are answered, with nothing in them, before the server closes its connections. */
  async beforeApplicationShutdown(): Promise<void> {
    this.shutdown.abort();
    await Promise.allSettled(this.polls);
  }

  /**
   * @param gone is aborted when the receiver has hung up
   * @throws PublicError 410 `cursor_lost` until the receiver sends `restart`
   */
  poll(clientId: string, request: PollRequest, gone: AbortSignal): Promise<PollAnswer> {
    const poll = this.answer(clientId, request, gone);
    this.polls.add(poll);
    const done = () => this.polls.delete(poll);
    poll.then(done, done);
    return poll;
  }

  private async answer(clientId: string, request: PollRequest, gone: AbortSignal): Promise<PollAnswer> {
    // before the first look, so that an event between that and the wait wakes
    const bell = new Bell(this.stream);
    try {
      let found = await this.look(clientId, request);
      if (found.events.length === 0 && this.mayWait(clientId, request)) {
        this.count(clientId, 1);
        const ends = [gone, this.shutdown.signal, AbortSignal.timeout(LONGEST_WAIT)];
        try {
          while (found.events.length === 0 && (await bell.rings(ends)))
            found = await this.look(clientId, { settled: new Map(), restart: false });
        } finally {
          this.count(clientId, -1);
        }
      }
      return this.signed(found, clientId, request.maxEvents);
    } finally {
      bell.stop();
    }
  }

  private async look(
    clientId: string,
    { settled, restart }: Pick<PollRequest, 'settled' | 'restart'>,
  ): Promise<Outstanding> {
    const found = restart
      ? undefined
      : await this.receivers.advance(clientId, (event) => {
          const claims = settled.size === 0 ? undefined : this.claimsOf(event, clientId);
          return claims && settled.get(claims.jti);
        });
    if (found) return found;
    await this.receivers.restart(clientId);
    return NOTHING;
  }

  private signed({ events, more }: Outstanding, clientId: string, maxEvents: number): PollAnswer {
    const sets: Record<string, string> = {};
    for (const event of events.slice(0, maxEvents)) {
      const claims = this.claimsOf(event, clientId);
      if (claims) sets[claims.jti] = this.tokens.sign(claims);
    }
    return { sets, moreAvailable: more || events.length > maxEvents };
  }

  private claimsOf(event: OutboxEvent, audience: string) {
    return securityEventClaims(event, { issuer: this.configuration.issuer, audience });
  }

  /** RFC 8936 §2.4.2: who asks for no events acknowledges only, and is not kept waiting. */
  private mayWait(clientId: string, { returnImmediately, maxEvents }: PollRequest): boolean {
    return !returnImmediately && maxEvents > 0 && (this.waiting.get(clientId) ?? 0) < MAX_WAITING;
  }

  private count(clientId: string, step: 1 | -1): void {
    const waiting = (this.waiting.get(clientId) ?? 0) + step;
    if (waiting > 0) this.waiting.set(clientId, waiting);
    else this.waiting.delete(clientId);
  }
}

/** Rings for each event that is told to receivers, also for one that came before anybody waited. */
class Bell {
  private rung = false;
  private wake: (() => void) | undefined;
  readonly stop: () => void;

  constructor(stream: EventStream) {
    this.stop = stream.subscribe(({ kind }) => {
      if (!isPublicKind(kind)) return;
      this.rung = true;
      this.wake?.();
    });
  }

  /** @returns false when one of the signals came first */
  async rings(ends: readonly AbortSignal[]): Promise<boolean> {
    const ended = () => ends.some((signal) => signal.aborted);
    if (!this.rung && !ended()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        for (const signal of ends) signal.addEventListener('abort', this.wake, { once: true });
      });
      for (const signal of ends) if (this.wake) signal.removeEventListener('abort', this.wake);
    }
    const rang = this.rung && !ended();
    this.rung = false;
    return rang;
  }
}
