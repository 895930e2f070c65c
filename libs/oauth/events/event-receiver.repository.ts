import { Injectable } from '@nestjs/common';
import { OutboxRepository, parseCursor, reaches, type OutboxEvent } from '#events';
import { Database, PublicError, sql, type Transaction } from '#platform';
import { MAX_OUTSTANDING, type SetError } from './poll-request.js';
import { settle, type Settled } from './settle.js';

/** How often a poll looks further because all it found is settled; the next poll goes on from there. */
const MAX_LOOKS = 50;

export interface Outstanding {
  /** Oldest first, at most `MAX_OUTSTANDING`. */
  readonly events: readonly OutboxEvent[];
  /** Whether there may be others beyond. */
  readonly more: boolean;
}

interface PlaceRow {
  readonly history: string;
  readonly cursor: string;
  readonly acknowledged: readonly string[];
}

type Answers = (event: OutboxEvent) => SetError | null | undefined;

/** Where each polling receiver is; the place outlives any node and is one for all of them. */
@Injectable()
export class EventReceiverRepository {
  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
  ) {}

  /** A receiver begins in the present: from now on it misses nothing. */
  async restart(clientId: string): Promise<void> {
    const { history, present } = await this.outbox.reach();
    await this.database.query(sql`
      INSERT INTO event_receivers (client_id, history, transaction_id, id)
      VALUES (${clientId}, ${history}, split_part(${present}, '-', 1)::xid8, 0)
      ON CONFLICT (client_id) DO UPDATE
         SET history = excluded.history, transaction_id = excluded.transaction_id, id = 0, acknowledged = '{}'`);
  }

  /**
   * Notes what the receiver has answered and gives what it has still to take. One poll of a receiver at a time, on
   * whichever node: the next waits for the place.
   * @param answerTo null: taken; an error: refused, which settles it too; undefined: no answer
   * @returns undefined when the receiver has no place yet
   * @throws PublicError 410 `cursor_lost` when events that it has not taken are gone; nothing is changed then
   */
  async advance(clientId: string, answerTo: Answers): Promise<Outstanding | undefined> {
    return this.database.transaction(async (transaction) => {
      const [place] = await transaction.query<PlaceRow>(sql`
        SELECT history, transaction_id::text || '-' || id AS cursor, acknowledged
          FROM event_receivers WHERE client_id = ${clientId} FOR UPDATE`);
      if (!place) return undefined;
      const { settled, more, refused } = await this.read(place, answerTo, transaction);
      // asked after they were read: what is still there now was there then
      if (!reaches(await this.outbox.reach(transaction), place)) {
        throw new PublicError(410, 'cursor_lost', 'Events were missed. Ask once with "restart": true.');
      }
      await this.save(clientId, place, settled, transaction);
      await this.audit(clientId, refused, transaction);
      return { events: settled.outstanding, more };
    });
  }

  private async read(place: PlaceRow, answerTo: Answers, transaction: Transaction) {
    const acknowledged = new Set(place.acknowledged);
    const refused = new Map<OutboxEvent, SetError>();
    let settled: Settled = { cursor: place.cursor, acknowledged: place.acknowledged, outstanding: [] };
    let more = false;
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      const before = settled.cursor;
      const found = await this.outbox.after(before, MAX_OUTSTANDING + 1, transaction);
      more = found.length > MAX_OUTSTANDING;
      const events = found.slice(0, MAX_OUTSTANDING);
      for (const event of events) {
        const answer = acknowledged.has(event.cursor) ? undefined : answerTo(event);
        if (answer === undefined) continue;
        acknowledged.add(event.cursor);
        if (answer !== null) refused.set(event, answer);
      }
      settled = settle(before, events, acknowledged);
      if (!more || settled.cursor === before) break;
    }
    return { settled, more, refused };
  }

  private async save(clientId: string, place: PlaceRow, settled: Settled, transaction: Transaction) {
    if (
      settled.cursor === place.cursor &&
      settled.acknowledged.length === place.acknowledged.length &&
      settled.acknowledged.every((cursor) => place.acknowledged.includes(cursor))
    )
      return;
    const to = parseCursor(settled.cursor);
    await transaction.query(sql`
      UPDATE event_receivers
         SET transaction_id = ${to?.transactionId}::text::xid8, id = ${to?.id}::bigint,
             acknowledged = ${settled.acknowledged}
       WHERE client_id = ${clientId}`);
  }

  /** A receiver that could not act on an event is a thing to look into. */
  private async audit(
    clientId: string,
    refused: ReadonlyMap<OutboxEvent, SetError>,
    transaction: Transaction,
  ): Promise<void> {
    if (refused.size === 0) return;
    const details = [...refused].map(([{ kind, subject, organizationId }, error]) => ({
      kind,
      subject,
      organization_id: organizationId,
      ...error,
    }));
    await transaction.query(sql`
      INSERT INTO audit_events (act, actor, target, organization_id, detail)
      SELECT 'event.refuse', ${clientId}, e ->> 'subject', (e ->> 'organization_id')::uuid, e
        FROM jsonb_array_elements(${JSON.stringify(details)}::jsonb) e`);
  }
}
