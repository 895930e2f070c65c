import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Clock, Database, PublicError, randomUUID, sha256, sql, type Transaction } from '#platform';
import type { Role } from './account.js';
import { nameProblem, normalizeName } from './person-name.js';
import type { OpenInvitation } from './invitation.js';
import { rolesFor } from './organization-authority.js';

interface InvitationRow {
  id: string;
  email: string;
  organization_id: string | null;
  organization_name: string | null;
  organization_key: string | null;
  role: Role | null;
  custom_role_name: string | null;
  license_id: string | null;
  name: string | null;
  has_account: boolean;
  expires_at: Date;
}

export interface AcceptedInvitation {
  readonly invitationId: string;
  readonly userId: string;
  /** Undefined: to an account alone. */
  readonly organizationId: string | undefined;
}

/**
 * What the holder of an invitation's link makes of it. The link is good for one acceptance, and for as long as whoever
 * sent it may give the role, its permissions included; what a process sent, whose name is no user id, depends on nobody.
 */
@Injectable()
export class InvitationAcceptanceRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** What a link invites to; undefined when it is unknown, used, expired, withdrawn, or the organization ends, or its inviter may not. */
  async find(secret: string): Promise<OpenInvitation | undefined> {
    const [row] = await this.database.query<InvitationRow>(sql`
      SELECT t.id, t.email, o.id AS organization_id, o.name AS organization_name, o.key AS organization_key, i.role,
             (SELECT r.name FROM organization_roles r WHERE r.id = i.custom_role_id) AS custom_role_name,
             i.license_id, t.detail->>'name' AS name, t.expires_at,
             EXISTS (SELECT FROM users u WHERE u.email = t.email) AS has_account
        FROM one_time_tokens t
        LEFT JOIN invitations i ON i.id = t.id AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL
         AND (i.invited_by !~ '^[0-9a-f]{8}-' OR EXISTS (
             SELECT FROM memberships m
              WHERE m.organization_id = i.organization_id AND m.user_id::text = i.invited_by
                AND m.role = ANY (${rolesFor('invitations:write')}::text[])
                AND may_give(m.role, i.role, i.custom_role_id, ${rolesFor('roles:write')}::text[])))
        LEFT JOIN organizations o ON o.id = i.organization_id AND o.deletion_at IS NULL
       WHERE t.secret_sha256 = ${sha256(secret)} AND t.purpose = 'invitation'
         AND t.used_at IS NULL AND t.expires_at > ${this.clock.now()}
         AND (o.id IS NOT NULL OR t.detail ? 'account')`);
    return row && invitationOf(row);
  }

  /**
   * Locks the organization before its invitation, as whoever invites does: for an acceptance that goes on to change the
   * organization, as giving a seat does.
   */
  async lockOrganization(on: Transaction, secret: string): Promise<void> {
    await on.query(sql`
      SELECT FROM organizations
       WHERE id = (SELECT i.organization_id FROM one_time_tokens t JOIN invitations i ON i.id = t.id
                    WHERE t.secret_sha256 = ${sha256(secret)})
         FOR NO KEY UPDATE`);
  }

  /**
   * Somebody who is signed in joins; who belongs to the organization already keeps the role they have.
   * @throws PublicError 403 `other_address` when it was sent to another address; 404 `invalid_invitation`
   */
  async accept(on: Transaction, secret: string, by: Actor): Promise<AcceptedInvitation> {
    const now = this.clock.now();
    const [outcome] = await on.query<Outcome & { meant: boolean }>(sql`
      WITH token AS (
        UPDATE one_time_tokens t SET used_at = ${now} FROM users u
         WHERE t.secret_sha256 = ${sha256(secret)} AND t.purpose = 'invitation'
           AND t.used_at IS NULL AND t.expires_at > ${now} AND NOT t.detail ? 'account'
           AND u.id::text = ${by.id} AND u.disabled_at IS NULL AND u.email = t.email
        RETURNING t.id, u.id AS user_id
      ), accepted AS (
        UPDATE invitations i SET accepted_at = ${now} FROM token, organizations o
         WHERE i.id = token.id AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL
           AND o.id = i.organization_id AND o.deletion_at IS NULL
           AND (i.invited_by !~ '^[0-9a-f]{8}-' OR EXISTS (
             SELECT FROM memberships m
              WHERE m.organization_id = i.organization_id AND m.user_id::text = i.invited_by
                AND m.role = ANY (${rolesFor('invitations:write')}::text[])
                AND may_give(m.role, i.role, i.custom_role_id, ${rolesFor('roles:write')}::text[])))
        RETURNING i.id, i.organization_id, i.role, i.custom_role_id, token.user_id
      ), verified AS (
        UPDATE users SET email_verified_at = ${now} FROM accepted
         WHERE users.id = accepted.user_id AND email_verified_at IS NULL
      ), joined AS (
        INSERT INTO memberships (user_id, organization_id, role, custom_role_id)
        SELECT user_id, organization_id, role, custom_role_id FROM accepted
        ON CONFLICT (user_id, organization_id) DO NOTHING
        RETURNING user_id, organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'membership-changed', user_id, organization_id FROM joined
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
        SELECT 'invitation.accept', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id, organization_id,
               jsonb_build_object('role', role, 'joined', EXISTS (SELECT FROM joined))
          FROM accepted
      )
      SELECT (SELECT id FROM accepted), (SELECT user_id FROM accepted),
             (SELECT organization_id FROM accepted),
             EXISTS (SELECT FROM one_time_tokens t JOIN users u ON u.email = t.email
                      WHERE t.secret_sha256 = ${sha256(secret)} AND u.id::text = ${by.id}) AS meant`);
    if (!outcome?.id) throw outcome?.meant ? invalidInvitation() : otherAddress();
    return acceptedOf(outcome);
  }

  /**
   * Somebody without an account gets one, since the link has proved the address, and joins.
   * @param person their password is acceptable, and hashed
   * @throws PublicError 400 `invalid_name`; 404 `invalid_invitation`; 409 `email_taken`
   */
  async acceptWithNewAccount(
    on: Transaction,
    secret: string,
    person: { readonly name: string; readonly passwordHash: string },
    address: string | null,
  ): Promise<AcceptedInvitation> {
    const problem = nameProblem(person.name);
    if (problem) throw new PublicError(400, 'invalid_name', problem);
    const [now, userId] = [this.clock.now(), randomUUID()];
    const [outcome] = await on.query<Outcome & { spent: boolean; created: boolean; whole: boolean }>(sql`
      WITH token AS (
        UPDATE one_time_tokens t SET used_at = ${now}
         WHERE t.secret_sha256 = ${sha256(secret)} AND t.purpose = 'invitation'
           AND t.used_at IS NULL AND t.expires_at > ${now}
        RETURNING t.id, t.email, t.detail ? 'account' AS alone
      ), created AS (
        INSERT INTO users (id, email, name, password_hash, email_verified_at)
        SELECT ${userId}, email, ${normalizeName(person.name)}, ${person.passwordHash}, ${now} FROM token
        ON CONFLICT (email) DO NOTHING
        RETURNING id
      ), accepted AS (
        UPDATE invitations i SET accepted_at = ${now} FROM token, created, organizations o
         WHERE i.id = token.id AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL
           AND o.id = i.organization_id AND o.deletion_at IS NULL
           AND (i.invited_by !~ '^[0-9a-f]{8}-' OR EXISTS (
             SELECT FROM memberships m
              WHERE m.organization_id = i.organization_id AND m.user_id::text = i.invited_by
                AND m.role = ANY (${rolesFor('invitations:write')}::text[])
                AND may_give(m.role, i.role, i.custom_role_id, ${rolesFor('roles:write')}::text[])))
        RETURNING i.id, i.organization_id, i.role, i.custom_role_id
      ), joined AS (
        INSERT INTO memberships (user_id, organization_id, role, custom_role_id)
        SELECT created.id, organization_id, role, custom_role_id FROM accepted, created
        RETURNING user_id, organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'membership-changed', user_id, organization_id FROM joined
      ), audited AS (
        INSERT INTO audit_events (act, actor, address, target, organization_id, detail)
        SELECT 'user.create', created.id::text, ${address}, created.id::text, NULL,
               jsonb_build_object('invitation', token.id)
          FROM created, token
        UNION ALL
        SELECT 'invitation.accept', created.id::text, ${address}, accepted.id::text, accepted.organization_id,
               jsonb_build_object('role', accepted.role, 'joined', true)
          FROM created, accepted
      )
      SELECT (SELECT id FROM token), (SELECT id FROM created) AS user_id,
             (SELECT organization_id FROM accepted),
             EXISTS (SELECT FROM token) AS spent, EXISTS (SELECT FROM created) AS created,
             EXISTS (SELECT FROM token WHERE alone) OR EXISTS (SELECT FROM joined) AS whole`);
    // what was done so far is undone by the transaction
    if (!outcome?.spent) throw invalidInvitation();
    if (!outcome.created) {
      const sentence = 'There is an account with this address by now: sign in, and open the link again.';
      throw new PublicError(409, 'email_taken', sentence);
    }
    if (!outcome.whole) throw invalidInvitation();
    return acceptedOf(outcome);
  }
}

interface Outcome {
  id: string | null;
  user_id: string | null;
  organization_id: string | null;
}

function acceptedOf({ id, user_id: userId, organization_id: organizationId }: Outcome): AcceptedInvitation {
  return { invitationId: id ?? '', userId: userId ?? '', organizationId: organizationId ?? undefined };
}

function invitationOf(row: InvitationRow): OpenInvitation {
  const { organization_id: id, organization_name: name, organization_key: key } = row;
  return {
    id: row.id,
    email: row.email,
    organization: id !== null && name !== null && key !== null ? { id, name, key } : undefined,
    role: row.role ?? undefined,
    customRoleName: row.custom_role_name ?? undefined,
    licenseId: row.license_id ?? undefined,
    name: row.name ?? undefined,
    hasAccount: row.has_account,
    expiresAt: row.expires_at,
  };
}

/** One answer to whatever is wrong with a link. */
export function invalidInvitation(): PublicError {
  return new PublicError(
    404,
    'invalid_invitation',
    'This invitation cannot be used: it was accepted, withdrawn or sent again, or it has expired.',
  );
}

function otherAddress(): PublicError {
  return new PublicError(
    403,
    'other_address',
    'This invitation was sent to another e-mail address than yours.',
  );
}
