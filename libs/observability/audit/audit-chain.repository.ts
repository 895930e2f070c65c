import { Injectable } from '@nestjs/common';
import { Database, sql, type Transaction } from '#platform';
import { CHAIN_START, chainDigest, type AuditEvent } from './audit-event.js';

/** "audit" in ASCII: only who chains takes this lock. */
const LOCK = 418_565_973_364;

interface HeadRow {
  position: string;
  digest: Buffer;
  /** Of the event there; null when the event is gone. */
  transaction_id: string | null;
  event_id: string;
  /** The place is of another cluster, from which this database was restored. */
  ahead: boolean | null;
}

/** The last event of the chain: whoever has noted it elsewhere can tell whether the trail was cut off before it. */
export interface ChainHead {
  readonly position: bigint;
  readonly digest: Buffer;
}

/** A link of the chain beside the event that it names; undefined when there is none of that id. */
export interface ChainLink extends ChainHead {
  readonly eventId: string;
  readonly event: AuditEvent | undefined;
}

/**
 * Chains the audit trail. Writers do not wait for each other: each adds its event by itself, and events are chained
 * afterwards, in the order of their transactions, once no transaction before theirs can add any more.
 */
@Injectable()
export class AuditChainRepository {
  constructor(private readonly database: Database) {}

  /**
   * Chains up to `limit` events. Of several nodes one does; were there two, the primary key lets one pass.
   * @returns the new head, or undefined when there was nothing to chain or another node is at it
   */
  async extend(limit: number): Promise<ChainHead | undefined> {
    return this.database.transaction(async (transaction) => {
      const [turn] = await transaction.query<{ mine: boolean }>(
        sql`SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine`,
      );
      if (!turn?.mine) return undefined;
      const head = await this.headRow(transaction);
      const events =
        head?.ahead === false && head.transaction_id !== null
          ? await following(transaction, head.transaction_id, head.event_id, limit)
          : await unchained(transaction, limit);
      if (events.length === 0) return undefined;
      return append(transaction, head, events);
    });
  }

  /** The last link, or undefined while nothing is chained. */
  async head(): Promise<ChainHead | undefined> {
    const row = await this.headRow(this.database);
    return row && { position: BigInt(row.position), digest: row.digest };
  }

  /** Up to `limit` links after a position, in order. */
  async links(after: bigint, limit: number): Promise<ChainLink[]> {
    const rows = await this.database.query<
      { position: string; digest: Buffer; event_id: string } & {
        [K in keyof AuditEvent]: AuditEvent[K] | null;
      }
    >(sql`
      SELECT c.position::text, c.digest, c.event_id::text, e.id::text, act, actor, target,
             organization_id::text AS "organizationId", address, factor, client_id AS "clientId", result, detail::text,
             (extract(epoch FROM occurred_at) * 1000000)::bigint::text AS "occurredAt"
        FROM audit_chain c LEFT JOIN audit_events e ON e.id = c.event_id
       WHERE c.position > ${after}::bigint ORDER BY c.position LIMIT ${limit}`);
    return rows.map(({ position, digest, event_id, ...event }) => ({
      position: BigInt(position),
      digest,
      eventId: event_id,
      event: event.id === null ? undefined : (event as AuditEvent),
    }));
  }

  /** How many events no link names; those of the last moments will be chained yet. */
  async unchainedCount(): Promise<number> {
    const [row] = await this.database.query<{ count: string }>(sql`
      SELECT count(*) FROM audit_events e WHERE NOT EXISTS (SELECT FROM audit_chain WHERE event_id = e.id)`);
    return Number(row?.count);
  }

  private async headRow(on: Pick<Transaction, 'query'>): Promise<HeadRow | undefined> {
    const [row] = await on.query<HeadRow>(sql`
      SELECT c.position::text, c.digest, c.event_id::text, e.transaction_id::text,
             e.transaction_id > pg_snapshot_xmin(pg_current_snapshot()) AS ahead
        FROM audit_chain c LEFT JOIN audit_events e ON e.id = c.event_id
       ORDER BY c.position DESC LIMIT 1`);
    return row;
  }
}

/** The events behind the head whose place in the order no other can take any more. */
function following(
  transaction: Transaction,
  transactionId: string,
  id: string,
  limit: number,
): Promise<AuditEvent[]> {
  return transaction.query<AuditEvent>(sql`
    SELECT e.id::text, act, actor, target, organization_id::text AS "organizationId", address, factor, client_id AS "clientId", result,
           detail::text, (extract(epoch FROM occurred_at) * 1000000)::bigint::text AS "occurredAt"
      FROM audit_events e
     WHERE (transaction_id, e.id) > (${transactionId}::text::xid8, ${id}::bigint)
       AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
       -- what another cluster wrote and chained may stand here again
       AND NOT EXISTS (SELECT FROM audit_chain WHERE event_id = e.id)
     ORDER BY transaction_id, e.id LIMIT ${limit}`);
}

/**
 * Everything that is not chained. The first time; and after a restore, when the numbers of transactions begin anew:
 * what another cluster wrote, whose numbers this one has not come to, stands before what this one writes.
 */
function unchained(transaction: Transaction, limit: number): Promise<AuditEvent[]> {
  return transaction.query<AuditEvent>(sql`
    SELECT e.id::text, act, actor, target, organization_id::text AS "organizationId", address, factor, client_id AS "clientId", result,
           detail::text, (extract(epoch FROM occurred_at) * 1000000)::bigint::text AS "occurredAt"
      FROM audit_events e
     WHERE (transaction_id < pg_snapshot_xmin(pg_current_snapshot())
            OR transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
       AND NOT EXISTS (SELECT FROM audit_chain WHERE event_id = e.id)
     ORDER BY transaction_id >= pg_snapshot_xmax(pg_current_snapshot()) DESC, transaction_id, e.id LIMIT ${limit}`);
}

async function append(
  transaction: Transaction,
  head: HeadRow | undefined,
  events: readonly AuditEvent[],
): Promise<ChainHead> {
  let digest = head?.digest ?? CHAIN_START;
  const digests = events.map((event) => (digest = chainDigest(digest, event)));
  const first = BigInt(head?.position ?? 0) + 1n;
  await transaction.query(sql`
    INSERT INTO audit_chain (position, event_id, digest)
    SELECT ${first}::bigint + ordinality - 1, event_id, digest
      FROM unnest(${events.map(({ id }) => id)}::bigint[], ${digests}::bytea[]) WITH ORDINALITY
           AS link (event_id, digest, ordinality)`);
  return { position: first + BigInt(events.length) - 1n, digest };
}
