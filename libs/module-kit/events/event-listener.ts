import { setTimeout as sleep } from 'node:timers/promises';
import { CoreAuthClient } from '../http/core-auth.client.js';
import { LauncherLinks } from '../launcher/launcher-links.js';
import type { SeatLeases } from '../leases/seat-leases.js';
import { SnapshotCache } from '../licenses/snapshot-cache.js';
import type { KitLog } from '../log.js';
import type { ResolvedOptions } from '../options.js';
import { Revocations } from './revocations.js';
import { parseSecurityEvent, type SecurityEvent } from './security-event.js';
import { StreamParser, type StreamFrame } from './sse-parser.js';
import { StreamHealth } from './stream-health.js';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5000;
/** Answers that say the place in the stream is not known any more. */
const PLACE_LOST = new Set([400, 404, 409, 410, 412]);
/** By what Core Auth itself says so, also when its database goes on from another past. */
const HISTORY_ENDED = 410;

/** Listens to Core Auth's event stream from boot to shutdown and applies what it hears. */
export class EventListener {
  private readonly stopping = new AbortController();
  private lastEventId: string | undefined;
  private failures = 0;
  private running: Promise<void> | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly client: CoreAuthClient,
    private readonly health: StreamHealth,
    private readonly revocations: Revocations,
    private readonly snapshots: SnapshotCache,
    private readonly launcher: LauncherLinks,
    private readonly leases: SeatLeases,
    private readonly log: KitLog,
  ) {}

  start(): void {
    this.running ??= this.listen();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async listen(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.connectOnce();
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        this.failures += 1;
        if (this.failures === 1) this.log.warn(`The event stream broke off: ${describe(error)}`);
      }
      const most = Math.min(FIRST_DELAY_MS * 2 ** Math.min(this.failures, 10), LONGEST_DELAY_MS);
      // Full jitter: a restarted server is not met by every module at the same instant.
      await sleep(most * (0.5 + Math.random() / 2), undefined, { signal: this.stopping.signal }).catch(
        () => undefined,
      );
    }
  }

  /** Reads one connection to its end; a silent connection is given up, for a half-open one never ends. */
  private async connectOnce(): Promise<void> {
    const connection = new AbortController();
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    const end = (): void => {
      connection.abort();
      // fetch loses sight of its signal once the request object is collected: the reader is ended by hand.
      reader?.cancel().catch(() => undefined);
    };
    this.stopping.signal.addEventListener('abort', end, { once: true });
    const watchdog = setTimeout(end, this.options.streamSilenceMs);
    try {
      const resumeAt = this.lastEventId;
      const answer = await this.client.events(resumeAt, connection.signal);
      reader = answer.body?.getReader();
      if (!answer.ok || !reader) {
        if (resumeAt !== undefined && PLACE_LOST.has(answer.status)) this.forgetPlace();
        if (resumeAt !== undefined && answer.status === HISTORY_ENDED) this.snapshots.forgetAll();
        throw new Error(`Core Auth answered ${answer.status}`);
      }
      if (connection.signal.aborted) throw new Error('It was silent');
      await this.read(reader, watchdog, resumeAt !== undefined);
      throw new Error('It was closed, or silent');
    } finally {
      clearTimeout(watchdog);
      this.stopping.signal.removeEventListener('abort', end);
      end();
    }
  }

  private async read(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    watchdog: NodeJS.Timeout,
    resumed: boolean,
  ): Promise<void> {
    const parser = new StreamParser();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      watchdog.refresh();
      for (const frame of parser.push(decoder.decode(value, { stream: true }))) this.receive(frame, resumed);
      this.health.heard();
    }
  }

  private receive(frame: StreamFrame, resumed: boolean): void {
    if (frame.event === 'ready') {
      if (this.failures > 0) this.log.log('The event stream is back');
      this.failures = 0;
      this.health.ready(resumed);
    } else {
      const event = parseSecurityEvent(frame.data);
      if (event) this.apply(event);
    }
    // Only now: an event that was not applied must come again.
    if (frame.id !== undefined) this.lastEventId = frame.id;
  }

  private apply(event: SecurityEvent): void {
    this.revocations.apply(event);
    const { kind, subject, organizationId } = event;
    if (kind === 'session-ended') void this.leases.endSession(subject);
    if (kind === 'user-disabled') void this.leases.endUser(subject);
    if (kind === 'license-changed') {
      this.leases.doubt(subject);
      this.forgetLicenses(subject);
    } else if (kind === 'catalog-changed') {
      this.snapshots.dropAll();
      this.launcher.forgetAll();
    } else if ((kind === 'seat-assigned' || kind === 'seat-released') && organizationId !== undefined) {
      // whoever took a seat knows; whose was released may have lost it to an administrator
      if (kind === 'seat-released') this.leases.doubt(organizationId, subject);
      this.forgetLicenses(organizationId);
    }
  }

  private forgetLicenses(organizationId: string): void {
    this.snapshots.drop(organizationId);
    this.launcher.forget(organizationId);
  }

  private forgetPlace(): void {
    this.lastEventId = undefined;
    this.health.lost();
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return error.message + cause;
}
