import { Injectable } from '@nestjs/common';
import { PublicError } from '#platform';
import { EventStream } from './event-stream.js';
import { isAfter, placeText, reaches, type OutboxEvent, type Place } from './outbox-event.js';
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
   * @param place where to go on; the present when undefined
   * @param send is called once per event, in order, with the event's place
   * @param end is called when there is nothing more to follow: the history that the place is of has ended
   * @returns the place from which it goes on, and functions that begin and end it
   * @throws PublicError 410 `cursor_lost` when events after the place may be missing
   */
  async follow(
    place: Place | undefined,
    send: (event: OutboxEvent, place: string) => void,
    end: () => void,
  ): Promise<{ from: string; start: () => Promise<void>; stop: () => void }> {
    const reach = await this.outbox.reach();
    if (place && !reaches(reach, place)) {
      throw new PublicError(
        410,
        'cursor_lost',
        'The stream cannot be resumed there. Follow it from the present.',
      );
    }
    let last = place?.cursor ?? reach.present;
    let live = false;
    const waiting: OutboxEvent[] = [];
    const pass = (event: OutboxEvent) => {
      if (!isAfter(event.cursor, last)) return;
      last = event.cursor;
      send(event, placeText(reach.history, event.cursor));
    };
    const ends = [
      this.stream.subscribe((event) => (live ? pass(event) : waiting.push(event))),
      this.stream.whenHistoryEnds(end),
    ];
    const stop = () => ends.forEach((unsubscribe) => unsubscribe());
    const start = async () => {
      let missed: OutboxEvent[];
      do {
        missed = await this.outbox.after(last, BATCH);
        missed.forEach(pass);
      } while (missed.length === BATCH);
      waiting.splice(0).forEach(pass);
      live = true;
    };
    return { from: placeText(reach.history, last), start, stop };
  }
}
