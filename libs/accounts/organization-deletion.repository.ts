import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import {
  addSeconds,
  Clock,
  Configuration,
  Database,
  mailLink,
  MailSealer,
  PublicError,
  sql,
  type Transaction,
} from '#platform';
import { queueMails } from './mail-queue.repository.js';
import { rolesFor } from './organization-authority.js';
import { notAllowed } from './organization-errors.js';
import { organizationDeletionMail } from './organization-mails.js';

const A_DAY = 86_400;
/** Whose owners one sweep tells. */
const MOST_ORGANIZATIONS = 20;

interface EndingOrganization {
  readonly id: string;
  readonly name: string;
  readonly deletion_at: Date;
}

interface Request {
  readonly allowed: boolean;
  /** Null when it was asked for already. */
  readonly untold: boolean | null;
  readonly name: string;
  readonly deletion_at: Date | null;
}

/** The deletion of an organization, while there is a way back. */
@Injectable()
export class OrganizationDeletionRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly sealer: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Asks for the deletion, and tells every owner by mail, once a day: asked for again after it was undone, that waits
   * until the day is over. Everything goes on until the deletion, but nobody new joins.
   * @returns when it is removed; when that was asked for already, as it was told then
   * @throws PublicError 403 `access_denied`
   */
  async request(organizationId: string, by: Actor): Promise<Date> {
    const now = this.clock.now();
    const at = addSeconds(now, this.configuration.deletionGraceDays * A_DAY);
    return this.database.transaction(async (on) => {
      const [outcome] = await on.query<Request>(sql`
        WITH actor AS (
          SELECT FROM memberships
           WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
             AND role = ANY (${rolesFor('organization:delete')}::text[]) FOR SHARE
        ), asked AS (
          UPDATE organizations
             SET deletion_at = ${at}, deletion_untold = coalesce(deletion_told_at > ${addSeconds(now, -A_DAY)}, false),
                 deletion_told_at = CASE WHEN deletion_told_at > ${addSeconds(now, -A_DAY)} THEN deletion_told_at
                                         ELSE ${now} END
           WHERE id = ${organizationId} AND deletion_at IS NULL AND EXISTS (SELECT FROM actor)
          RETURNING id, deletion_at, deletion_untold
        ), told AS (
          INSERT INTO outbox (kind, subject, organization_id) SELECT 'organization-changed', id, id FROM asked
        ), audited AS (
          INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
          SELECT 'organization.request-deletion', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id, id,
                 jsonb_build_object('at', deletion_at)
            FROM asked
        )
        SELECT EXISTS (SELECT FROM actor) AS allowed, (SELECT deletion_untold FROM asked) AS untold, name, deletion_at
          FROM organizations WHERE id = ${organizationId}`);
      if (!outcome?.allowed) throw notAllowed();
      if (outcome.untold === null) return outcome.deletion_at ?? at;
      if (!outcome.untold) await this.tell(on, { id: organizationId, name: outcome.name, deletion_at: at });
      return at;
    });
  }

  /**
   * Undoes the request. Like each act that an organization could be left by without an owner, it locks the owners'
   * accounts before their memberships.
   * @throws PublicError 403 `access_denied`; 409 `no_deletion`, also when the removal has begun; 409 `account_ending`
   * when every owner has asked for the deletion of their account meanwhile
   */
  async undo(organizationId: string, by: Actor): Promise<void> {
    const [outcome] = await this.database.query<{ allowed: boolean; needed: boolean; undone: boolean }>(sql`
      WITH people AS MATERIALIZED (
        SELECT u.id, u.disabled_at IS NULL AND u.deletion_at IS NULL AS lasting FROM users u
         WHERE u.id IN (SELECT user_id FROM memberships WHERE organization_id = ${organizationId} AND role = 'owner')
         ORDER BY u.id FOR NO KEY UPDATE
      ), locked AS MATERIALIZED (
        SELECT m.user_id, m.role, p.lasting FROM memberships m JOIN people p ON p.id = m.user_id
         WHERE m.organization_id = ${organizationId} ORDER BY m.user_id FOR SHARE OF m
      ), facts AS (
        SELECT EXISTS (SELECT FROM locked
                        WHERE user_id::text = ${by.id}
                          AND role = ANY (${rolesFor('organization:delete')}::text[])) AS allowed,
               EXISTS (SELECT FROM locked WHERE role = 'owner' AND lasting) AS owned
      ), undone AS (
        UPDATE organizations SET deletion_at = NULL, deletion_untold = false FROM facts
         WHERE id = ${organizationId} AND deletion_at IS NOT NULL AND removal_started_at IS NULL
           AND allowed AND owned
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id) SELECT 'organization-changed', id, id FROM undone
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id)
        SELECT 'organization.undo-deletion', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
               id, id FROM undone
      )
      SELECT allowed, EXISTS (SELECT FROM undone) AS undone,
             NOT owned AND EXISTS (SELECT FROM organizations WHERE id = ${organizationId} AND deletion_at IS NOT NULL
                                      AND removal_started_at IS NULL) AS needed
        FROM facts`);
    if (!outcome?.allowed) throw notAllowed();
    if (outcome.needed) {
      throw new PublicError(
        409,
        'account_ending',
        'Your account is about to be deleted, and no other owner stays. Keep your account first, then the organization.',
      );
    }
    if (!outcome.undone) {
      throw new PublicError(
        409,
        'no_deletion',
        'No deletion can be undone: none was asked for, or it has begun.',
      );
    }
  }

  /** Tells the owners of those for which that was asked again on the same day, now that it is over. */
  async tellLater(): Promise<void> {
    const now = this.clock.now();
    await this.database.transaction(async (on) => {
      const told = await on.query<EndingOrganization>(sql`
        UPDATE organizations SET deletion_untold = false, deletion_told_at = ${now}
         WHERE id IN (SELECT id FROM organizations
                       WHERE deletion_untold AND deletion_told_at <= ${addSeconds(now, -A_DAY)}
                       ORDER BY deletion_told_at LIMIT ${MOST_ORGANIZATIONS} FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING id, name, deletion_at`);
      for (const organization of told) await this.tell(on, organization);
    });
  }

  private async tell(on: Transaction, { id, name, deletion_at: at }: EndingOrganization): Promise<void> {
    const owners = await on.query<{ email: string }>(sql`
      SELECT email FROM memberships JOIN users ON users.id = user_id
       WHERE organization_id = ${id} AND role = 'owner' AND disabled_at IS NULL`);
    const url = mailLink(this.configuration.issuer, '/organization');
    const letters = owners.map(({ email: to }) =>
      organizationDeletionMail({ to, organization: name, at, url }),
    );
    await queueMails(on, this.sealer, letters);
  }
}
