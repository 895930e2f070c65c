import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import {
  addSeconds,
  Clock,
  Configuration,
  cursorOf,
  Database,
  MailSealer,
  placeOf,
  PublicError,
  randomSecret,
  sha256,
  sql,
  type Transaction,
} from '#platform';
import { emailProblem, normalizeEmail } from './email-address.js';
import {
  INVITATION_SECONDS,
  MOST_INVITATION_MAILS,
  MOST_INVITATIONS,
  type Invitation,
  type InvitationPage,
  type Invitee,
} from './invitation.js';
import { inviteRefusal, mailRefusal, unknownInvitation, type InviteFacts } from './invitation-errors.js';
import { MailCountRepository } from './mail-count.repository.js';
import { rolesFor } from './organization-authority.js';
import { refusalOf, type ActFacts } from './organization-errors.js';
import { invitationMail } from './organization-mails.js';
import { givenRoleProblem } from './role.js';

/** After so long nobody remembers that somebody was invited, and to how many mails. */
const FORGET_AFTER = 30 * 86_400;

/** Of an instant, as PostgreSQL counts them; before the year 2286. */
const MICROSECONDS = /^\d{1,16}$/;

interface InvitationRow extends Omit<Invitation, 'customRole'> {
  readonly custom_role: Invitation['customRole'];
  readonly sorted_by: string;
}

/** Invitations to an organization. Each has a single-use token of its own id; sent again it gets another id. */
@Injectable()
export class InvitationRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly sealer: MailSealer,
    private readonly configuration: Configuration,
    private readonly counts: MailCountRepository,
  ) {}

  /** When an invitation of this moment expires, exclusive. */
  expiry(): Date {
    return addSeconds(this.clock.now(), INVITATION_SECONDS);
  }

  /**
   * Invites an address by mail. One that was answered, or has expired, may be invited anew.
   * @param id of the new invitation, under which a seat may have been kept in the same transaction
   * @returns when it expires, exclusive
   * @throws PublicError 400 `invalid_email`, `invalid_role`; 403 `access_denied`, `beyond_authority`;
   * 404 `unknown_role`; 409 `already_member`, `already_invited`, `too_many_invitations`, `too_many_mails`,
   * `organization_ends`
   */
  async invite(on: Transaction, id: string, invitee: Invitee, by: Actor): Promise<Date> {
    const { organizationId, role, customRoleId = null, licenseId = null } = invitee;
    const email = normalizeEmail(invitee.email);
    const unfit = emailProblem(email);
    if (unfit !== undefined) throw new PublicError(400, 'invalid_email', unfit);
    const problem = givenRoleProblem(invitee);
    if (problem) throw new PublicError(400, 'invalid_role', problem);
    const sent = await this.mailTo(on, email, organizationId, by);
    const now = this.clock.now();
    const [facts] = await on.query<InviteFacts>(sql`
      WITH actor AS (
        SELECT role FROM memberships
         WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
           AND role = ANY (${rolesFor('invitations:write')}::text[]) FOR SHARE
      ), custom AS MATERIALIZED (
        SELECT FROM organization_roles
         WHERE organization_id = ${organizationId} AND id = ${customRoleId}::uuid FOR KEY SHARE
      ), facts AS (
        SELECT EXISTS (SELECT FROM actor) AS allowed,
               ${customRoleId}::uuid IS NULL OR EXISTS (SELECT FROM custom) AS role_known,
               EXISTS (SELECT FROM actor
                        WHERE may_give(actor.role, ${role}::text, ${customRoleId}::uuid,
                                       ${rolesFor('roles:write')}::text[])) AS within,
               EXISTS (SELECT FROM organizations WHERE id = ${organizationId} AND deletion_at IS NULL) AS lasting,
               NOT EXISTS (SELECT FROM memberships m JOIN users u ON u.id = m.user_id
                            WHERE m.organization_id = ${organizationId} AND u.email = ${email}) AS stranger,
               ${MOST_INVITATIONS}::int > (SELECT count(*) FROM invitations
                                            WHERE organization_id = ${organizationId} AND email <> ${email}) AS room,
               NOT EXISTS (SELECT FROM invitations WHERE organization_id = ${organizationId} AND email = ${email}
                              AND mails_sent >= ${MOST_INVITATION_MAILS}) AS patient
      ), saved AS (
        INSERT INTO invitations AS i (id, organization_id, email, role, custom_role_id, license_id, invited_by,
                                      created_at, expires_at, mails_sent)
        SELECT ${id}, ${organizationId}, ${email}, ${role}, ${customRoleId}::uuid, ${licenseId}::uuid, ${by.id},
               ${now}, ${sent.expiresAt}, 1
          FROM facts
         WHERE allowed AND role_known AND within AND lasting AND stranger AND room AND patient
        ON CONFLICT (organization_id, email) DO UPDATE
           SET id = excluded.id, role = excluded.role, custom_role_id = excluded.custom_role_id,
               license_id = excluded.license_id, invited_by = excluded.invited_by, created_at = excluded.created_at,
               expires_at = excluded.expires_at, mails_sent = i.mails_sent + 1, accepted_at = NULL,
               withdrawn_at = NULL
         WHERE i.mails_sent < ${MOST_INVITATION_MAILS}
           AND (i.accepted_at IS NOT NULL OR i.withdrawn_at IS NOT NULL OR i.expires_at <= ${now})
        RETURNING i.id, i.organization_id
      ), token AS (
        INSERT INTO one_time_tokens (id, secret_sha256, purpose, email, created_at, expires_at)
        SELECT id, ${sent.digest}, 'invitation', ${email}, ${now}, ${sent.expiresAt} FROM saved
      ), mail AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${sent.mail.id}, ${sent.mail.envelope} FROM saved
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
        SELECT 'invitation.create', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id, organization_id,
               jsonb_strip_nulls(jsonb_build_object('role', ${role}::text, 'custom_role', ${customRoleId}::text,
                                                    'license', ${licenseId}::text))
          FROM saved
      )
      SELECT *, EXISTS (SELECT FROM saved) AS saved FROM facts`);
    const refusal = refusalOf(facts, 'member') ?? inviteRefusal(facts);
    if (refusal) throw refusal;
    await this.countMail(on, email, by);
    return sent.expiresAt;
  }

  /**
   * Sends an invitation again, by a new link: the one before is void from now on.
   * @param newId under which it goes on
   * @returns when it expires, exclusive
   * @throws PublicError 403 `access_denied`, `beyond_authority`; 404 `unknown_invitation`; 409 `too_many_mails`,
   * `organization_ends`
   */
  async resend(
    on: Transaction,
    { id, newId, organizationId }: { id: string; newId: string; organizationId: string },
    by: Actor,
  ): Promise<Date> {
    const [found] = await on.query<{ email: string }>(sql`
      SELECT email FROM invitations WHERE organization_id = ${organizationId} AND id::text = ${id}`);
    const sent = await this.mailTo(on, found?.email ?? '', organizationId, by);
    const now = this.clock.now();
    const [facts] = await on.query<ActFacts & { patient: boolean; lasting: boolean }>(sql`
      WITH actor AS (
        SELECT role FROM memberships
         WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
           AND role = ANY (${rolesFor('invitations:write')}::text[]) FOR SHARE
      ), target AS MATERIALIZED (
        SELECT id, role, custom_role_id, mails_sent FROM invitations
         WHERE organization_id = ${organizationId} AND id::text = ${id}
           AND accepted_at IS NULL AND withdrawn_at IS NULL FOR NO KEY UPDATE
      ), facts AS (
        SELECT EXISTS (SELECT FROM actor) AS allowed, EXISTS (SELECT FROM target) AS known,
               EXISTS (SELECT FROM actor, target
                        WHERE may_give(actor.role, target.role, target.custom_role_id,
                                       ${rolesFor('roles:write')}::text[])) AS within,
               EXISTS (SELECT FROM organizations WHERE id = ${organizationId} AND deletion_at IS NULL) AS lasting,
               EXISTS (SELECT FROM target WHERE mails_sent < ${MOST_INVITATION_MAILS}::int) AS patient
      ), saved AS (
        UPDATE invitations i
           SET id = ${newId}, invited_by = ${by.id}, expires_at = ${sent.expiresAt}, mails_sent = i.mails_sent + 1
          FROM facts, target WHERE i.id = target.id AND allowed AND within AND lasting AND patient
        RETURNING i.id, i.organization_id, i.email
      ), token AS (
        INSERT INTO one_time_tokens (id, secret_sha256, purpose, email, created_at, expires_at)
        SELECT id, ${sent.digest}, 'invitation', email, ${now}, ${sent.expiresAt} FROM saved
      ), mail AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${sent.mail.id}, ${sent.mail.envelope} FROM saved
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
        SELECT 'invitation.resend', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id, organization_id,
               jsonb_build_object('before', ${id}::text)
          FROM saved
      )
      SELECT * FROM facts`);
    if (facts?.allowed && !facts.known) throw unknownInvitation();
    const refusal = refusalOf(facts, 'member') ?? mailRefusal(facts);
    if (refusal) throw refusal;
    await this.countMail(on, found?.email ?? '', by);
    return sent.expiresAt;
  }

  /**
   * Takes an invitation back; its link leads nowhere from then on.
   * @throws PublicError 403 `access_denied`, `beyond_authority`; 404 `unknown_invitation`
   */
  async withdraw(on: Transaction, id: string, organizationId: string, by: Actor): Promise<void> {
    const [facts] = await on.query<ActFacts>(sql`
      WITH actor AS (
        SELECT role FROM memberships
         WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
           AND role = ANY (${rolesFor('invitations:write')}::text[]) FOR SHARE
      ), target AS MATERIALIZED (
        SELECT id, role FROM invitations
         WHERE organization_id = ${organizationId} AND id::text = ${id}
           AND accepted_at IS NULL AND withdrawn_at IS NULL FOR NO KEY UPDATE
      ), facts AS (
        SELECT EXISTS (SELECT FROM actor) AS allowed, EXISTS (SELECT FROM target) AS known,
               EXISTS (SELECT FROM actor, target WHERE actor.role = 'owner' OR target.role <> 'owner') AS within
      ), withdrawn AS (
        UPDATE invitations i SET withdrawn_at = ${this.clock.now()} FROM facts, target
         WHERE i.id = target.id AND allowed AND within
        RETURNING i.id, i.organization_id
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id)
        SELECT 'invitation.withdraw', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null},
               id, organization_id FROM withdrawn
      )
      SELECT * FROM facts`);
    if (facts?.allowed && !facts.known) throw unknownInvitation();
    const refusal = refusalOf(facts, 'member');
    if (refusal) throw refusal;
  }

  /** Those that nobody has answered, the latest first; expired ones too. @param page.after as the page before told it */
  async list(
    organizationId: string,
    { after, limit }: { after?: string | undefined; limit: number },
  ): Promise<InvitationPage> {
    const last = after === undefined ? undefined : placeOf(after, MICROSECONDS);
    const rows = await this.database.query<InvitationRow>(sql`
      SELECT i.id, i.email, i.role, i.license_id AS "licenseId", i.created_at AS "createdAt",
             i.expires_at AS "expiresAt", i.mails_sent AS "mailsSent",
             (extract(epoch FROM i.created_at) * 1000000)::bigint AS sorted_by,
             (SELECT jsonb_build_object('id', r.id, 'name', r.name)
                FROM organization_roles r WHERE r.id = i.custom_role_id) AS custom_role
        FROM invitations i
       WHERE i.organization_id = ${organizationId} AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL
         AND (${last?.id ?? null}::uuid IS NULL
              OR (i.created_at, i.id) <
                 (to_timestamp(${last?.key ?? null}::bigint / 1000000.0), ${last?.id ?? null}::uuid))
       ORDER BY i.created_at DESC, i.id DESC LIMIT ${limit + 1}`);
    const page = rows.slice(0, limit);
    const end = rows.length > limit ? page.at(-1) : undefined;
    return {
      invitations: page.map(({ custom_role: customRole, sorted_by: _, ...row }) => ({ ...row, customRole })),
      next: end && cursorOf({ key: end.sorted_by, id: end.id }),
    };
  }

  /** Of which license a seat is kept for an open invitation. */
  async licenseOf(id: string, organizationId: string): Promise<string | undefined> {
    const [row] = await this.database.query<{ license_id: string | null }>(sql`
      SELECT license_id FROM invitations
       WHERE id::text = ${id} AND organization_id = ${organizationId}
         AND accepted_at IS NULL AND withdrawn_at IS NULL`);
    return row?.license_id ?? undefined;
  }

  /** Removes up to `limit` invitations and as many tokens that are of no consequence any more. */
  async prune(limit: number): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      DELETE FROM invitations
       WHERE id IN (SELECT id FROM invitations WHERE expires_at < ${addSeconds(now, -FORGET_AFTER)}
                     ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`);
    await this.database.query(sql`
      DELETE FROM one_time_tokens
       WHERE id IN (SELECT id FROM one_time_tokens WHERE purpose = 'invitation' AND expires_at < ${now}
                     ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`);
  }

  /** @throws PublicError 409 `too_many_mails` when the address, or whoever invites, has had enough of late */
  private async countMail(on: Transaction, email: string, by: Actor): Promise<void> {
    const enough = await this.counts.invitation(on, email, by.id);
    if (enough === undefined) return;
    throw new PublicError(
      409,
      'too_many_mails',
      enough === 'person'
        ? 'You have invited very many people within the hour. Go on in an hour.'
        : 'This address was invited several times within the hour. Try again in an hour.',
    );
  }

  /** A sealed invitation with its secret; the organization is locked, so that what is counted next stays true. */
  private async mailTo(on: Transaction, to: string, organizationId: string, by: Actor) {
    const [names] = await on.query<{ organization: string; inviter: string | null }>(sql`
      SELECT o.name AS organization, (SELECT u.name FROM users u WHERE u.id::text = ${by.id}) AS inviter
        FROM organizations o WHERE o.id = ${organizationId} FOR NO KEY UPDATE OF o`);
    const secret = randomSecret();
    const expiresAt = this.expiry();
    const mail = this.sealer.seal(
      invitationMail({
        to,
        organization: names?.organization ?? '',
        inviter: names?.inviter ?? undefined,
        issuer: this.configuration.issuer,
        secret,
        expiresAt,
      }),
    );
    return { digest: sha256(secret), expiresAt, mail };
  }
}
