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
  type Mail,
  type Transaction,
} from '#platform';
import { queueMails } from './mail-queue.repository.js';
import { accountDeletionMail } from './organization-mails.js';

const A_DAY = 86_400;
/** Letters of one sweep. */
const MOST_LETTERS = 100;

interface OwnedOrganization {
  readonly id: string;
  readonly key: string;
  readonly name: string;
}

interface LockedOwner {
  readonly id: string;
  readonly email: string;
  readonly disabled_at: Date | null;
  readonly deletion_at: Date | null;
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
   * Asks for the deletion, and tells the person by mail, once a day: asked for again after it was undone, that waits
   * until the day is over. Everything goes on until the deletion, but the person counts as no owner from now on.
   * @returns when the account is removed; when that was asked for already, as it was told then
   * @throws PublicError 404 `unknown_user`; OwnerElsewhereNeeded naming the organizations
   */
  async request(userId: string, by: Actor): Promise<Date> {
    return this.database.transaction(async (on) => {
      // whoever takes an owner from an organization locks its owners too; what they were is over with the next statement
      const owners = await on.query<LockedOwner>(sql`
        SELECT id, email, disabled_at, deletion_at FROM users
         WHERE id::text = ${userId}
            OR id IN (SELECT other.user_id FROM memberships own
                        JOIN memberships other ON other.organization_id = own.organization_id AND other.role = 'owner'
                       WHERE own.user_id::text = ${userId} AND own.role = 'owner')
         ORDER BY id FOR NO KEY UPDATE`);
      const person = owners.find(({ id }) => id === userId);
      if (!person || person.disabled_at)
        throw new PublicError(404, 'unknown_user', 'There is no such account.');
      if (person.deletion_at) return person.deletion_at;
      const lasting = owners.filter((owner) => owner !== person && !owner.disabled_at && !owner.deletion_at);
      return this.requestUnlessLastOwner(on, person, lasting, by);
    });
  }

  /** @param lasting other owners who count as such; one who has become an owner meanwhile does not yet */
  private async requestUnlessLastOwner(
    on: Transaction,
    { id, email }: LockedOwner,
    lasting: readonly LockedOwner[],
    by: Actor,
  ): Promise<Date> {
    const now = this.clock.now();
    const at = addSeconds(now, this.configuration.deletionGraceDays * A_DAY);
    const mail = this.sealer.seal(this.notice(email, at));
    const [outcome] = await on.query<{ asked: boolean; orphaned: OwnedOrganization[] }>(sql`
      WITH orphaned AS (
        SELECT o.id, o.key, o.name FROM memberships own JOIN organizations o ON o.id = own.organization_id
         WHERE own.user_id = ${id} AND own.role = 'owner' AND o.deletion_at IS NULL
           AND NOT EXISTS (SELECT FROM memberships other
                            WHERE other.organization_id = o.id AND other.role = 'owner'
                              AND other.user_id = ANY (${lasting.map((owner) => owner.id)}::uuid[]))
      ), asked AS (
        UPDATE users
           SET deletion_at = ${at}, deletion_untold = coalesce(deletion_told_at > ${addSeconds(now, -A_DAY)}, false),
               deletion_told_at = CASE WHEN deletion_told_at > ${addSeconds(now, -A_DAY)} THEN deletion_told_at
                                       ELSE ${now} END
         WHERE id = ${id} AND NOT EXISTS (SELECT FROM orphaned)
        RETURNING id, deletion_at, deletion_untold
      ), mailed AS (
        INSERT INTO mails (id, mail_envelope)
        SELECT ${mail.id}, ${mail.envelope} FROM asked WHERE NOT deletion_untold
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, detail)
        SELECT 'user.request-deletion', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
               id, jsonb_build_object('at', deletion_at)
          FROM asked
      )
      SELECT EXISTS (SELECT FROM asked) AS asked,
             (SELECT coalesce(jsonb_agg(to_jsonb(orphaned) ORDER BY name, id), '[]') FROM orphaned) AS orphaned`);
    if (!outcome?.asked) throw new OwnerElsewhereNeeded(outcome?.orphaned ?? []);
    return at;
  }

  /** Undoes the request. @throws PublicError 409 `no_deletion`, also when the removal has begun */
  async undo(userId: string, by: Actor): Promise<void> {
    const undone = await this.database.query(sql`
      WITH undone AS (
        UPDATE users SET deletion_at = NULL, deletion_untold = false
         WHERE id::text = ${userId} AND deletion_at IS NOT NULL AND removal_started_at IS NULL
        RETURNING id
      )
      INSERT INTO audit_events (act, actor, address, factor, client_id, target)
      SELECT 'user.undo-deletion', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id FROM undone
      RETURNING id`);
    if (undone.length === 0) {
      throw new PublicError(
        409,
        'no_deletion',
        'No deletion can be undone: none was asked for, or it has begun.',
      );
    }
  }

  /** Tells those of whom that was asked again on the same day, now that it is over. */
  async tellLater(): Promise<void> {
    const now = this.clock.now();
    await this.database.transaction(async (on) => {
      const told = await on.query<{ email: string; deletion_at: Date }>(sql`
        UPDATE users SET deletion_untold = false, deletion_told_at = ${now}
         WHERE id IN (SELECT id FROM users WHERE deletion_untold AND deletion_told_at <= ${addSeconds(now, -A_DAY)}
                       ORDER BY deletion_told_at LIMIT ${MOST_LETTERS} FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING email, deletion_at`);
      await queueMails(
        on,
        this.sealer,
        told.map(({ email, deletion_at: at }) => this.notice(email, at)),
      );
    });
  }

  private notice(to: string, at: Date): Mail {
    return accountDeletionMail({ to, at, url: mailLink(this.configuration.issuer, '/account/data') });
  }

  /** When the account is removed; undefined while nobody asked for that. */
  async deletionAt(userId: string): Promise<Date | undefined> {
    const [row] = await this.database.query<{ at: Date | null }>(
      sql`SELECT deletion_at AS at FROM users WHERE id::text = ${userId}`,
    );
    return row?.at ?? undefined;
  }
}
