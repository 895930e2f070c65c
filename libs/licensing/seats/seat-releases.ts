import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EventStream, OutboxReaderRepository, type EventKind, type OutboxEvent } from '#events';
import { isUuid } from './seat.js';
import { SeatReleaseRepository, type Departure } from './seat-release.repository.js';

const READER = 'seat-releases';
const DEPARTURES: ReadonlySet<EventKind> = new Set(['membership-changed', 'user-disabled']);
/** How often it is tried again; what is heard of is done at once. */
const INTERVAL = 5000;
const LOOK_EVERYWHERE_EVERY = 3_600_000;
/** People of one transaction. */
const BATCH = 200;

/**
 * Who leaves an organization, or is disabled, gives back their seats and leases. Accounts cannot reach what licensing
 * keeps, so licensing follows the outbox: the reader's place moves in the transaction that releases, so that of several
 * nodes one does it, and a deployment that was down goes on where it was. Until then no decision lets them in. What no
 * event tells of (it came before there was a reader, or was removed from the outbox) is looked for at the start and
 * every hour.
 */
@Injectable()
export class SeatReleases implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SeatReleases.name);
  private readonly ends: (() => void)[] = [];
  private working: Promise<void> | undefined;
  private unread = true;
  private everywhere = true;
  private stopped = false;

  constructor(
    private readonly releases: SeatReleaseRepository,
    private readonly reader: OutboxReaderRepository,
    private readonly stream: EventStream,
  ) {}

  onApplicationBootstrap(): void {
    const retry = setInterval(() => this.wake(), INTERVAL).unref();
    const look = setInterval(() => (this.everywhere = true), LOOK_EVERYWHERE_EVERY).unref();
    this.ends.push(
      () => clearInterval(retry),
      () => clearInterval(look),
      this.stream.subscribe(({ kind }) => {
        if (!DEPARTURES.has(kind)) return;
        this.unread = true;
        this.wake();
      }),
      // in the past that the database goes on from somebody may have left of whom nothing will be told any more
      this.stream.whenHistoryEnds(() => (this.everywhere = true)),
    );
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.ends.forEach((end) => end());
    await this.working;
  }

  private wake(): void {
    if (this.stopped || this.working || !(this.unread || this.everywhere)) return;
    this.working = this.work()
      .catch((error: Error) => {
        this.unread = this.everywhere = true;
        this.logger.warn(`seats are given back later: ${error.message}`);
      })
      .finally(() => (this.working = undefined));
  }

  private async work(): Promise<void> {
    while ((this.unread || this.everywhere) && !this.stopped) {
      const { everywhere } = this;
      // before it is read: what comes meanwhile marks it again
      this.unread = this.everywhere = false;
      let more = true;
      while (more && !this.stopped) {
        more = await this.reader.advance(READER, (events, transaction) =>
          this.releases.releaseFor(events.flatMap(departureOf), transaction),
        );
      }
      // only when the reader has its place: what comes about from now on it will read
      more = everywhere;
      while (more && !this.stopped) more = await this.releases.releaseForgotten(BATCH);
    }
  }
}

function departureOf({ kind, subject, organizationId }: OutboxEvent): Departure[] {
  // an id that is none, which only another hand can have written, must not stop the reader for ever
  if (!DEPARTURES.has(kind) || !isUuid(subject)) return [];
  return [{ userId: subject, organizationId: kind === 'user-disabled' ? null : organizationId }];
}
