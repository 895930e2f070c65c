import { Injectable } from '@nestjs/common';
import type { LicenseStatus, SeatModel } from '@core-auth/module-kit/licensing';
import { Database, PublicError, randomUUID, sql, type Statement } from '#platform';
import { actorOf, type By } from '../by.js';
import { SeatsExhausted, type SeatStanding } from '../seats/seat.js';
import {
  dropExpired,
  lockLicensesBeside,
  seatStanding,
  whenCooled,
} from '../seats/seat-standing.repository.js';
import {
  wholeSeconds,
  type NewOfflineGrant,
  type OfflineGrant,
  type ReturnedGrant,
} from './offline-grant.js';

interface Attempt {
  status: LicenseStatus;
  seat_model: SeatModel;
  organization_id: string;
  module_key: string;
  suspended: boolean;
  ended: boolean;
  in_time: boolean;
  /** When access ends for good; null is never. */
  ends: Date | null;
  /** Seats that a block may take; null where seats are unlimited. */
  free: string | null;
  /** When the terms begin that leave no more; null for those that hold now. */
  later: Date | null;
  sequence: string | null;
  issued_at: Date;
  version: string;
}

/** Blocks of seats that are away with a license file. Row locks: licenses in id order, the organization last. */
@Injectable()
export class OfflineGrantRepository {
  constructor(private readonly database: Database) {}

  /**
   * Sets a block of seats aside. The instance's former grant of this license ends with it, in the same statement, so
   * that of two that are asked for at once one follows the other.
   * @param grant checked by `offlineGrantProblem`
   * @throws PublicError 403 `SEATS_EXHAUSTED`; 404 `unknown_license`; 409 `license_not_in_force`, `no_seats`,
   * `license_ends_before`
   */
  async grant(grant: NewOfflineGrant, by: By): Promise<OfflineGrant> {
    const { licenseId, seatBlock } = grant;
    const id = randomUUID();
    const expiresAt = wholeSeconds(grant.expiresAt);
    return this.database.transaction(async (transaction) => {
      await lockLicensesBeside(transaction, licenseId);
      await dropExpired(transaction, licenseId);
      // statements of their own: they see what those who held the locks before have committed
      const standing = await seatStanding(transaction, licenseId);
      const [attempt] = await transaction.query<Attempt>(
        grantStatement(id, { ...grant, expiresAt }, standing, by),
      );
      if (!attempt) throw new Error('a license vanished while it was locked');
      if (attempt.sequence === null) {
        const missing = attempt.free === null ? 0 : seatBlock - Number(attempt.free);
        throw refusal(attempt, seatBlock, await whenCooled(transaction, licenseId, missing));
      }
      return {
        ...grant,
        id,
        expiresAt,
        organizationId: attempt.organization_id,
        moduleKey: attempt.module_key,
        sequence: Number(attempt.sequence),
        issuedAt: attempt.issued_at,
        version: Number(attempt.version),
      };
    });
  }

  /**
   * Gives a block back; the instance has to have stopped to use the file, which nothing here can see.
   * @param id the file's `jti`
   * @param licenseId of which it has to be, when it matters
   * @throws PublicError 404 `unknown_grant`; 409 `grant_superseded`, `grant_returned`, decided by the UPDATE
   */
  async return(id: string, by: By, licenseId: string | null = null): Promise<ReturnedGrant> {
    const actor = actorOf(by);
    const [returned] = await this.database.query<ReturnedGrant>(sql`
      WITH returned AS (
        UPDATE offline_grants SET returned_at = statement_timestamp() FROM licenses
         WHERE offline_grants.id = ${id} AND returned_at IS NULL AND licenses.id = license_id
           AND license_id = COALESCE(${licenseId}::uuid, license_id)
        RETURNING offline_grants.id, license_id, instance, seat_block, sequence, returned_at, expires_at,
                  organization_id, module_key
      ), raised AS (
        UPDATE organizations SET license_version = license_version + 1 FROM returned
         WHERE organizations.id = organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id, facts)
        SELECT 'license-changed', organization_id, organization_id,
               jsonb_build_object('act', 'offline-grant.return', 'license_id', license_id, 'module', module_key)
          FROM returned
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
        SELECT 'offline-grant.return', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
               license_id, organization_id, jsonb_build_object(
                 'grant', id, 'instance', instance, 'seat_block', seat_block, 'sequence', sequence,
                 'returned_at', returned_at)
          FROM returned
      )
      SELECT license_id AS "licenseId", instance, seat_block AS "seatBlock", expires_at <= returned_at AS ended
        FROM returned`);
    if (!returned) throw await this.refusedReturn(id, licenseId);
    return returned;
  }

  /**
   * The license of an organization for a module that a file can be issued for.
   * @throws PublicError 404 `unknown_organization`, `unknown_module`, `no_license`; 409 `several_licenses`
   */
  async licenseFor(organizationKey: string, moduleKey: string): Promise<string> {
    const [found] = await this.database.query<{
      organization_id: string | null;
      module_key: string | null;
      ids: string[];
    }>(sql`
      SELECT o.id AS organization_id, m.key AS module_key,
             ARRAY(SELECT l.id::text FROM licenses l
                    WHERE l.organization_id = o.id AND l.module_key = m.key AND l.status = 'issued'
                      AND (l.ends_at IS NULL
                           OR l.ends_at + l.grace_days * interval '24 hours' > statement_timestamp())
                    ORDER BY l.id LIMIT 20) AS ids
        FROM (SELECT) AS one
        LEFT JOIN organizations o ON o.key = ${organizationKey}
        LEFT JOIN modules m ON m.key = ${moduleKey}`);
    if (!found?.organization_id) {
      throw new PublicError(404, 'unknown_organization', `There is no organization "${organizationKey}".`);
    }
    if (!found.module_key) throw new PublicError(404, 'unknown_module', `There is no module "${moduleKey}".`);
    const [id, ...more] = found.ids;
    if (id === undefined) {
      throw new PublicError(
        404,
        'no_license',
        `"${organizationKey}" has no license for "${moduleKey}" that is issued and has not ended.`,
      );
    }
    if (more.length === 0) return id;
    const ids = found.ids.join(', ');
    throw new PublicError(409, 'several_licenses', `There are several licenses: name one of ${ids}.`);
  }

  /**
   * Deletes up to `limit` grants that ended before `before` and have successors; the last of an instance stays, since
   * the next one's sequence follows it.
   */
  async prune(before: Date, limit: number): Promise<void> {
    await this.database.query(sql`
      DELETE FROM offline_grants
       WHERE id IN (SELECT id FROM offline_grants old
                     WHERE returned_at < ${before}
                       AND EXISTS (SELECT FROM offline_grants later
                                    WHERE later.license_id = old.license_id AND later.instance = old.instance
                                      AND later.sequence > old.sequence)
                     LIMIT ${limit})`);
  }

  private async refusedReturn(id: string, licenseId: string | null): Promise<PublicError> {
    const [found] = await this.database.query<{ superseded: boolean }>(sql`
      SELECT EXISTS (SELECT FROM offline_grants later
                      WHERE later.license_id = g.license_id AND later.instance = g.instance
                        AND later.sequence > g.sequence) AS superseded
        FROM offline_grants g
       WHERE id = ${id} AND license_id = COALESCE(${licenseId}::uuid, license_id)`);
    if (!found) return new PublicError(404, 'unknown_grant', 'No license file has this jti.');
    return found.superseded
      ? new PublicError(
          409,
          'grant_superseded',
          'A later file of this instance has taken its place: return that.',
        )
      : new PublicError(409, 'grant_returned', 'This license file was returned already.');
  }
}

/** Grants what is allowed and says what was found; the license is locked. */
function grantStatement(id: string, grant: NewOfflineGrant, standing: SeatStanding, by: By): Statement {
  const actor = actorOf(by);
  const { licenseId, instance, seatBlock, expiresAt } = grant;
  const { leased, active, reserved, cooling } = standing;
  // a seat that cools goes nowhere
  const named = active + reserved + cooling;
  return sql`
        WITH target AS (
          SELECT l.id, l.organization_id, l.module_key, l.status, terms.seat_model, terms.seat_limit,
                 o.suspended_at IS NOT NULL AS suspended, date_trunc('second', statement_timestamp()) AS issued_at,
                 l.ends_at + l.grace_days * interval '24 hours' AS ends, room.free, room.later
            FROM licenses l JOIN organizations o ON o.id = l.organization_id
            CROSS JOIN LATERAL (
              SELECT seat_model, seat_limit, effective_at FROM license_terms
               WHERE license_id = l.id AND effective_at <= greatest(statement_timestamp(), l.starts_at)
               ORDER BY effective_at DESC LIMIT 1) AS terms
            CROSS JOIN LATERAL (
              SELECT coalesce(sum(seat_block) FILTER (WHERE instance <> ${instance}), 0) AS away,
                     coalesce(sum(seat_block) FILTER (WHERE instance = ${instance}), 0) AS own
                FROM offline_grants
               WHERE license_id = l.id AND returned_at IS NULL AND expires_at > statement_timestamp()) AS files
            CROSS JOIN LATERAL (
              -- under whichever terms hold while the file does; what the instance has already nobody else can have
              SELECT CASE WHEN seat_limit IS NOT NULL
                          THEN greatest(seat_limit - away - CASE seat_model WHEN 'floating' THEN ${leased}::int ELSE ${named}::int END,
                                        least(own, seat_limit - away)) END AS free,
                     CASE WHEN effective_at > terms.effective_at THEN effective_at END AS later
                FROM license_terms
               WHERE license_id = l.id AND effective_at >= terms.effective_at
                 AND (effective_at = terms.effective_at OR effective_at < ${expiresAt})
               ORDER BY free, effective_at LIMIT 1) AS room
           WHERE l.id = ${licenseId}
        ), allowed AS (
          SELECT * FROM target
           WHERE status = 'issued' AND NOT suspended AND (ends IS NULL OR ends >= ${expiresAt})
             AND ${expiresAt}::timestamptz > statement_timestamp()
             AND CASE WHEN seat_limit IS NULL THEN ${seatBlock}::integer = 0 ELSE ${seatBlock}::integer <= free END
        ), superseded AS (
          UPDATE offline_grants SET returned_at = statement_timestamp() FROM allowed
           WHERE license_id = allowed.id AND instance = ${instance} AND returned_at IS NULL
          RETURNING offline_grants.id
        ), granted AS (
          INSERT INTO offline_grants (id, license_id, instance, seat_block, sequence, issued_at, expires_at)
          SELECT ${id}, allowed.id, ${instance}, ${seatBlock},
                 1 + (SELECT coalesce(max(sequence), 0) FROM offline_grants
                       WHERE license_id = allowed.id AND instance = ${instance}), issued_at, ${expiresAt}
            FROM allowed
            -- only when the former grant has ended: one instance has one
           WHERE (SELECT count(*) FROM superseded) >= 0
          RETURNING id, sequence
        ), raised AS (
          UPDATE organizations SET license_version = license_version + 1 FROM allowed, granted
           WHERE organizations.id = allowed.organization_id
          RETURNING license_version
        ), told AS (
          INSERT INTO outbox (kind, subject, organization_id, facts)
          SELECT 'license-changed', organization_id, organization_id,
                 jsonb_build_object('act', 'offline-grant.issue', 'license_id', allowed.id, 'module', module_key)
            FROM allowed, granted
        ), audited AS (
          INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
          SELECT 'offline-grant.issue', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null},
                 allowed.id, organization_id, jsonb_build_object(
                   'grant', granted.id, 'instance', ${instance}::text, 'seat_block', ${seatBlock}::integer,
                   'sequence', granted.sequence, 'issued_at', issued_at, 'expires_at', ${expiresAt}::timestamptz,
                   'supersedes', (SELECT id FROM superseded))
            FROM allowed, granted
        )
        SELECT status, seat_model, organization_id, module_key, suspended, issued_at, ends, free, later,
               coalesce(ends <= statement_timestamp(), false) AS ended,
               (ends IS NULL OR ends >= ${expiresAt}) AND ${expiresAt}::timestamptz > statement_timestamp() AS in_time,
               (SELECT sequence FROM granted) AS sequence,
               coalesce((SELECT license_version FROM raised), 0) AS version
          FROM target`;
}

const WAYS_OUT = {
  named: 'release seats first',
  floating: 'end floating seats that are held now, or wait until their holders have left',
} as const;

function refusal(
  { status, suspended, seat_model, ended, in_time, ends, free, later }: Attempt,
  block: number,
  cooledAt: Date | null,
) {
  if (status !== 'issued') {
    return new PublicError(
      409,
      'license_not_in_force',
      `This license is ${status}: only an issued one goes offline.`,
    );
  }
  if (suspended) return new PublicError(409, 'license_not_in_force', 'This organization is suspended.');
  if (ended) return new PublicError(409, 'license_not_in_force', 'This license has expired.');
  if (!in_time) {
    const until = ends ? `: access ends ${ends.toISOString()}. Ask for no more than that` : '';
    return new PublicError(409, 'license_ends_before', `The file would not end within the license${until}.`);
  }
  if (seat_model === 'unlimited') {
    return new PublicError(409, 'no_seats', 'This license is for everybody: ask for a block of 0 seats.');
  }
  const left = Math.max(0, Number(free));
  if (later) {
    return new SeatsExhausted(
      null,
      `The license changes on ${later.toISOString()}, and from then on ${left} seats are free to be taken along: ask for ${left} at most, or for a file that ends before.`,
    );
  }
  const cooled =
    seat_model === 'named' && cooledAt
      ? `again from ${cooledAt.toISOString()} on, when seats that were released lately are free for others`
      : undefined;
  return new SeatsExhausted(
    null,
    left === 0
      ? `No seat of this license is free to be taken along: ${cooled ? `ask ${cooled}` : WAYS_OUT[seat_model]}. A file with a block of 0 is for what needs no seat.`
      : `A block of ${block} is not free: ask for ${left} at most, or ${cooled ?? WAYS_OUT[seat_model]}.`,
  );
}
