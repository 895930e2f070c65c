import { Injectable } from '@nestjs/common';
import { Clock, Database, sql, type Statement, type Transaction } from '#platform';

/** Of one sweep. */
const MOST_ORGANIZATIONS = 20;
/** What hangs on a license goes with it, so that few go at a time. */
const MOST_LICENSES = 20;

/**
 * Removes organizations whose grace is over, with everything that hangs on them, a bounded part at each sweep. The
 * audit stays, and what licenses have counted, and which trials there were. Whichever node comes next goes on where the last one stopped.
 */
@Injectable()
export class OrganizationRemovalRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param limit rows of one statement */
  async sweep(limit: number): Promise<void> {
    await this.begin();
    const parts = [membershipsOf(limit), authorizationsOf(limit), ...leftOvers(limit), clientsOf()];
    for (const part of parts) await this.database.query(part);
    await this.database.transaction(removeLicenses);
    await this.end();
  }

  /** From here there is no way back: modules hear at once that the organization may use nothing. */
  private async begin(): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      WITH due AS (
        SELECT id FROM organizations WHERE deletion_at <= ${now} AND removal_started_at IS NULL
         ORDER BY deletion_at LIMIT ${MOST_ORGANIZATIONS} FOR NO KEY UPDATE SKIP LOCKED
      ), begun AS (
        UPDATE organizations o
           SET removal_started_at = ${now}, suspended_at = coalesce(suspended_at, ${now}),
               license_version = license_version + 1
          FROM due WHERE o.id = due.id
        RETURNING o.id, o.key, o.name
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id, facts)
        SELECT 'license-changed', id, id, jsonb_build_object('act', 'organization.begin-removal') FROM begun
      )
      INSERT INTO audit_events (act, actor, target, organization_id, detail)
      SELECT 'organization.begin-removal', 'system', id, id, jsonb_build_object('key', key, 'name', name) FROM begun`);
  }

  private async end(): Promise<void> {
    await this.database.query(sql`
      WITH bare AS (
        SELECT o.id FROM organizations o
         WHERE o.removal_started_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM memberships m WHERE m.organization_id = o.id)
           AND NOT EXISTS (SELECT FROM authorizations a WHERE a.organization_id = o.id)
           AND NOT EXISTS (SELECT FROM sessions s WHERE s.organization_id = o.id)
           AND NOT EXISTS (SELECT FROM consents c WHERE c.organization_id = o.id)
           AND NOT EXISTS (SELECT FROM invitations i WHERE i.organization_id = o.id)
           AND NOT EXISTS (SELECT FROM clients c WHERE c.organization_id = o.id)
           AND NOT EXISTS (SELECT FROM usage_events e WHERE e.organization_id = o.id)
           AND NOT EXISTS (SELECT FROM licenses l WHERE l.organization_id = o.id)
         LIMIT ${MOST_ORGANIZATIONS} FOR UPDATE SKIP LOCKED
      ), removed AS (
        DELETE FROM organizations o USING bare WHERE o.id = bare.id RETURNING o.id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id) SELECT 'organization-changed', id, id FROM removed
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'organization.remove', 'system', id, id FROM removed`);
  }
}

function membershipsOf(limit: number): Statement {
  return sql`
    WITH removed AS (
      DELETE FROM memberships
       WHERE (user_id, organization_id) IN (
         SELECT m.user_id, m.organization_id FROM memberships m JOIN organizations o ON o.id = m.organization_id
          WHERE o.removal_started_at IS NOT NULL LIMIT ${limit})
      RETURNING user_id, organization_id
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id)
      SELECT 'membership-changed', user_id, organization_id FROM removed
    )
    INSERT INTO audit_events (act, actor, target, organization_id)
    SELECT 'membership.remove', 'system', user_id, organization_id FROM removed`;
}

/** Those for the organization, and those of its own clients. */
function authorizationsOf(limit: number): Statement {
  return sql`
    WITH removed AS (
      DELETE FROM authorizations
       WHERE id IN (
         SELECT a.id FROM authorizations a JOIN organizations o ON o.id = a.organization_id
          WHERE o.removal_started_at IS NOT NULL
         UNION ALL
         SELECT a.id FROM authorizations a
           JOIN clients c ON c.id = a.client_id JOIN organizations o ON o.id = c.organization_id
          WHERE o.removal_started_at IS NOT NULL
         LIMIT ${limit})
      RETURNING id, organization_id, state
    )
    INSERT INTO outbox (kind, subject, organization_id)
    SELECT 'authorization-revoked', id, organization_id FROM removed WHERE state <> 'revoked'`;
}

function leftOvers(limit: number): Statement[] {
  return [
    sql`
      UPDATE sessions SET organization_id = NULL, organization_chosen_at = NULL
       WHERE id IN (SELECT s.id FROM sessions s JOIN organizations o ON o.id = s.organization_id
                     WHERE o.removal_started_at IS NOT NULL LIMIT ${limit})`,
    sql`
      DELETE FROM consents
       WHERE (user_id, client_id, organization_id) IN (
         SELECT c.user_id, c.client_id, c.organization_id FROM consents c
           JOIN organizations o ON o.id = c.organization_id
          WHERE o.removal_started_at IS NOT NULL LIMIT ${limit})`,
    sql`
      DELETE FROM invitations
       WHERE id IN (SELECT i.id FROM invitations i JOIN organizations o ON o.id = i.organization_id
                     WHERE o.removal_started_at IS NOT NULL LIMIT ${limit})`,
    sql`
      DELETE FROM usage_events
       WHERE (organization_id, module_key, idempotency_key) IN (
         SELECT e.organization_id, e.module_key, e.idempotency_key FROM usage_events e
           JOIN organizations o ON o.id = e.organization_id
          WHERE o.removal_started_at IS NOT NULL LIMIT ${limit})`,
    sql`
      DELETE FROM seat_assignments
       WHERE id IN (SELECT s.id FROM seat_assignments s
                      JOIN licenses l ON l.id = s.license_id JOIN organizations o ON o.id = l.organization_id
                     WHERE o.removal_started_at IS NOT NULL LIMIT ${limit})`,
  ];
}

/** Machines of the organization: their tokens name them, and end with them. */
function clientsOf(): Statement {
  return sql`
    WITH removed AS (
      DELETE FROM clients
       WHERE id IN (SELECT c.id FROM clients c JOIN organizations o ON o.id = c.organization_id
                     WHERE o.removal_started_at IS NOT NULL
                       AND NOT EXISTS (SELECT FROM authorizations a WHERE a.client_id = c.id)
                     LIMIT ${MOST_LICENSES})
      RETURNING id, organization_id
    ), told AS (
      INSERT INTO outbox (kind, subject, organization_id)
      SELECT 'client-disabled', id, organization_id FROM removed
    )
    INSERT INTO audit_events (act, actor, target, organization_id)
    SELECT 'client.remove', 'system', id, organization_id FROM removed`;
}

/** What they have counted is kept for the last bill. */
async function removeLicenses(on: Transaction): Promise<void> {
  const due = await on.query<{ id: string }>(sql`
    SELECT l.id FROM licenses l JOIN organizations o ON o.id = l.organization_id
     WHERE o.removal_started_at IS NOT NULL
       AND NOT EXISTS (SELECT FROM seat_assignments s WHERE s.license_id = l.id)
     ORDER BY l.id LIMIT ${MOST_LICENSES} FOR UPDATE OF l`);
  const ids = due.map(({ id }) => id);
  // a use that is being counted ends first
  await on.query(sql`SELECT FROM usage_counters WHERE license_id = ANY (${ids}::uuid[]) FOR UPDATE`);
  await on.query(sql`
    WITH kept AS (
      INSERT INTO removed_usage (license_id, organization_id, module_key, feature_key, period_starts_at,
                                 period_ends_at, used, overage)
      SELECT l.id, l.organization_id, l.module_key, c.feature_key, c.period_starts_at, c.period_ends_at, c.used,
             c.overage
        FROM usage_counters c JOIN licenses l ON l.id = c.license_id
       WHERE l.id = ANY (${ids}::uuid[])
    ), removed AS (
      DELETE FROM licenses WHERE id = ANY (${ids}::uuid[]) RETURNING id, organization_id
    )
    INSERT INTO audit_events (act, actor, target, organization_id)
    SELECT 'license.remove', 'system', id, organization_id FROM removed`);
}
