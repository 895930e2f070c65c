import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { addSeconds, Clock, Configuration, Database, MailSealer, PublicError, sql } from '#platform';
import { queueMails } from './mail-queue.repository.js';
import { rolesFor } from './organization-authority.js';
import { notAllowed } from './organization-errors.js';
import { organizationDeletionMail } from './organization-mails.js';

const A_DAY = 86_400;

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
   * Asks for the deletion, and tells every owner by mail. Everything goes on until then, but nobody new joins.
   * @returns when it is removed; when that was asked for already, as it was told then
   * @throws PublicError 403 `access_denied`
   */
  async request(organizationId: string, by: Actor): Promise<Date> {
    const at = addSeconds(this.clock.now(), this.configuration.deletionGraceDays * A_DAY);
    return this.database.transaction(async (on) => {
      const [outcome] = await on.query<{
        allowed: boolean;
        deletion_at: Date | null;
        name: string;
        asked: boolean;
      }>(sql`
        WITH actor AS (
          SELECT FROM memberships
           WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
             AND role = ANY (${rolesFor('organization:delete')}::text[]) FOR SHARE
        ), asked AS (
          UPDATE organizations SET deletion_at = ${at}
           WHERE id = ${organizationId} AND deletion_at IS NULL AND EXISTS (SELECT FROM actor)
          RETURNING id, deletion_at
        ), told AS (
          INSERT INTO outbox (kind, subject, organization_id) SELECT 'organization-changed', id, id FROM asked
        ), audited AS (
          INSERT INTO audit_events (act, actor, address, factor, target, organization_id, detail)
          SELECT 'organization.request-deletion', ${by.id}, ${by.address}, ${by.factor}, id, id,
                 jsonb_build_object('at', deletion_at)
            FROM asked
        )
        SELECT EXISTS (SELECT FROM actor) AS allowed, EXISTS (SELECT FROM asked) AS asked, name, deletion_at
          FROM organizations WHERE id = ${organizationId}`);
      if (!outcome?.allowed) throw notAllowed();
      if (!outcome.asked) return outcome.deletion_at ?? at;
      const owners = await on.query<{ email: string }>(sql`
        SELECT email FROM memberships JOIN users ON users.id = user_id
         WHERE organization_id = ${organizationId} AND role = 'owner' AND disabled_at IS NULL`);
      const url = `${this.configuration.issuer}/organization`;
      const letters = owners.map(({ email: to }) =>
        organizationDeletionMail({ to, organization: outcome.name, at, url }),
      );
      await queueMails(on, this.sealer, letters);
      return at;
    });
  }

  /**
   * Undoes the request.
   * @throws PublicError 403 `access_denied`; 409 `no_deletion`, also when the removal has begun
   */
  async undo(organizationId: string, by: Actor): Promise<void> {
    const [outcome] = await this.database.query<{ allowed: boolean; undone: boolean }>(sql`
      WITH actor AS (
        SELECT FROM memberships
         WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
           AND role = ANY (${rolesFor('organization:delete')}::text[]) FOR SHARE
      ), undone AS (
        UPDATE organizations SET deletion_at = NULL
         WHERE id = ${organizationId} AND deletion_at IS NOT NULL AND removal_started_at IS NULL
           AND EXISTS (SELECT FROM actor)
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id) SELECT 'organization-changed', id, id FROM undone
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, target, organization_id)
        SELECT 'organization.undo-deletion', ${by.id}, ${by.address}, ${by.factor}, id, id FROM undone
      )
      SELECT EXISTS (SELECT FROM actor) AS allowed, EXISTS (SELECT FROM undone) AS undone`);
    if (!outcome?.allowed) throw notAllowed();
    if (!outcome.undone) {
      throw new PublicError(
        409,
        'no_deletion',
        'No deletion can be undone: none was asked for, or it has begun.',
      );
    }
  }
}
