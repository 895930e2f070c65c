import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { addSeconds, Clock, Configuration, Database, MailSealer, PublicError, sql } from '#platform';
import { accountDeletionMail } from './organization-mails.js';

const A_DAY = 86_400;

interface OwnedOrganization {
  readonly id: string;
  readonly key: string;
  readonly name: string;
}

/** 409 `last_owner`: organizations would be left without an owner. */
export class OwnerElsewhereNeeded extends PublicError {
  constructor(readonly organizations: readonly OwnedOrganization[]) {
    const names = organizations.map(({ name }) => name).join(', ');
    super(
      409,
      'last_owner',
      `You are the only owner of ${names}. Make somebody else an owner there first, or delete the organization.`,
    );
  }
}

/** The deletion of a person's account, while there is a way back. */
@Injectable()
export class AccountDeletionRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly sealer: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Asks for the deletion. From then on the person counts as no owner.
   * @returns when the account is removed; when that was asked for already, as it was told then
   * @throws PublicError 404 `unknown_user`; OwnerElsewhereNeeded naming the organizations
   */
  async request(userId: string, by: Actor): Promise<Date> {
    const at = addSeconds(this.clock.now(), this.configuration.deletionGraceDays * A_DAY);
    const [person] = await this.database.query<{ email: string }>(
      sql`SELECT email FROM users WHERE id::text = ${userId} AND disabled_at IS NULL`,
    );
    if (!person) throw new PublicError(404, 'unknown_user', 'There is no such account.');
    const url = `${this.configuration.issuer}/account`;
    const mail = this.sealer.seal(accountDeletionMail({ to: person.email, at, url }));
    const [outcome] = await this.database.query<{
      asked: Date | null;
      before: Date | null;
      orphaned: OwnedOrganization[];
    }>(sql`
      WITH locked AS MATERIALIZED (
        SELECT m.organization_id, m.user_id FROM memberships m
         WHERE m.role = 'owner'
           AND m.organization_id IN (SELECT organization_id FROM memberships
                                      WHERE user_id::text = ${userId} AND role = 'owner')
         ORDER BY m.organization_id, m.user_id FOR UPDATE
      ), orphaned AS (
        SELECT o.id, o.key, o.name FROM locked own JOIN organizations o ON o.id = own.organization_id
         WHERE own.user_id::text = ${userId} AND o.deletion_at IS NULL
           AND NOT EXISTS (SELECT FROM locked other JOIN users u ON u.id = other.user_id
                            WHERE other.organization_id = own.organization_id AND other.user_id <> own.user_id
                              AND u.disabled_at IS NULL AND u.deletion_at IS NULL)
      ), asked AS (
        UPDATE users SET deletion_at = ${at}
         WHERE id::text = ${userId} AND deletion_at IS NULL AND disabled_at IS NULL
           AND NOT EXISTS (SELECT FROM orphaned)
        RETURNING id, deletion_at
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${mail.id}, ${mail.envelope} FROM asked
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, target, detail)
        SELECT 'user.request-deletion', ${by.id}, ${by.address}, ${by.factor}, id, jsonb_build_object('at', deletion_at)
          FROM asked
      )
      SELECT (SELECT deletion_at FROM asked) AS asked, u.deletion_at AS before,
             (SELECT coalesce(jsonb_agg(to_jsonb(orphaned) ORDER BY name, id), '[]') FROM orphaned) AS orphaned
        FROM users u WHERE u.id::text = ${userId}`);
    if (outcome?.before) return outcome.before;
    if (outcome?.asked) return outcome.asked;
    throw new OwnerElsewhereNeeded(outcome?.orphaned ?? []);
  }

  /** Undoes the request. @throws PublicError 409 `no_deletion`, also when the removal has begun */
  async undo(userId: string, by: Actor): Promise<void> {
    const undone = await this.database.query(sql`
      WITH undone AS (
        UPDATE users SET deletion_at = NULL
         WHERE id::text = ${userId} AND deletion_at IS NOT NULL AND removal_started_at IS NULL
        RETURNING id
      )
      INSERT INTO audit_events (act, actor, address, factor, target)
      SELECT 'user.undo-deletion', ${by.id}, ${by.address}, ${by.factor}, id FROM undone
      RETURNING id`);
    if (undone.length === 0) {
      throw new PublicError(
        409,
        'no_deletion',
        'No deletion can be undone: none was asked for, or it has begun.',
      );
    }
  }

  /** When the account is removed; undefined while nobody asked for that. */
  async deletionAt(userId: string): Promise<Date | undefined> {
    const [row] = await this.database.query<{ at: Date | null }>(
      sql`SELECT deletion_at AS at FROM users WHERE id::text = ${userId}`,
    );
    return row?.at ?? undefined;
  }
}
