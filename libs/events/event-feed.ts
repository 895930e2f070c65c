import { Injectable } from '@nestjs/common';
import { PublicError } from '#platform';
import { EventStream } from './event-stream.js';
import { isAfter, type OutboxEvent } from './outbox-event.js';
import { OutboxRepository } from './outbox.repository.js';

const BATCH = 500;

/** Everything after a cursor, then everything as it happens, without a gap or a repetition at the seam. */
@Injectable()
export class EventFeed {
  constructor(
    private readonly outbox: OutboxRepository,
    private readonly stream: EventStream,
  ) {}

  /**
   * @param cursor where to go on; the present when undefined
   * @param send is called once per event, in order
   * @returns the cursor from which it goes on, and functions that begin and end it
   * @throws PublicError 410 `cursor_lost` when events after the cursor may be missing
   */
  async follow(
    cursor: string | undefined,
    send: (event: OutboxEvent) => void,
  ): Promise<{ from: string; start: () => Promise<void>; stop: () => void }> {
    if (cursor !== undefined && !(await this.outbox.knows(cursor))) {
      throw new PublicError(
        410,
        'cursor_lost',
        'The stream cannot be resumed there. Follow it from the present.',
      );
    }
    let last = cursor ?? (await this.outbox.position());
    let live = false;
    const waiting: OutboxEvent[] = [];
    const pass = (event: OutboxEvent) => {
      if (!isAfter(event.cursor, last)) return;
      last = event.cursor;
      send(event);
    };
    const stop = this.stream.subscribe((event) => (live ? pass(event) : waiting.push(event)));
    const start = async () => {
      let missed: OutboxEvent[];
      do {
        missed = await this.outbox.after(last, BATCH);
        missed.forEach(pass);
      } while (missed.length === BATCH);
      waiting.splice(0).forEach(pass);
      live = true;
    };
    return { from: last, start, stop };
  }
}
