import { Injectable } from '@nestjs/common';
import { Database, PublicError, randomUUID, sql } from '#platform';
import type {
  Contact,
  HeldCustomRole,
  Membership,
  NewMember,
  NewOrganization,
  NewUser,
  Organization,
  Role,
  SignInAccount,
  User,
} from './account.js';
import { emailProblem, normalizeEmail } from './email-address.js';

interface UserRow {
  id: string;
  email: string;
  name: string;
  disabled_at: Date | null;
}

interface OrganizationRow {
  id: string;
  key: string;
  name: string;
  suspended_at: Date | null;
}

/**
 * People, organizations and who belongs to which. Each change writes its audit row, and what others must hear, in
 * the same statement.
 */
@Injectable()
export class AccountRepository {
  constructor(private readonly database: Database) {}

  /**
   * @param actor who does it: a user id, a client id, or a word for the process (`seed`)
   * @throws PublicError 400 `invalid_email`; 409 `email_taken`, decided by the constraint
   */
  async createUser(user: NewUser, actor: string): Promise<User> {
    const { id = randomUUID(), name, passwordHash, emailVerified = false } = user;
    const email = normalizeEmail(user.email);
    const unfit = emailProblem(email);
    if (unfit !== undefined) throw new PublicError(400, 'invalid_email', unfit);
    const created = await this.database.query(sql`
      WITH created AS (
        INSERT INTO users (id, email, name, password_hash, email_verified_at)
        VALUES (${id}, ${email}, ${name}, ${passwordHash}, CASE WHEN ${emailVerified} THEN now() END)
        ON CONFLICT (email) DO NOTHING
        RETURNING id
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'user.create', ${actor}, id FROM created
      RETURNING id`);
    if (created.length === 0) {
      throw new PublicError(409, 'email_taken', 'There is an account with this e-mail address already.');
    }
    return { id, email, name, disabledAt: null };
  }

  /** The account to verify a password against; a disabled one too, so that refusing it takes as long. */
  async findForSignIn(email: string): Promise<SignInAccount | undefined> {
    const [row] = await this.database.query<
      UserRow & { password_hash: string | null; has_second_factor: boolean; password_length_known: boolean }
    >(sql`
      SELECT id, email, name, disabled_at, password_hash, second_factors > 0 AS has_second_factor,
             password_short IS NOT NULL AS password_length_known
        FROM users WHERE email = ${normalizeEmail(email)}`);
    return (
      row && {
        ...userOf(row),
        passwordHash: row.password_hash ?? undefined,
        hasSecondFactor: row.has_second_factor,
        passwordLengthKnown: row.password_length_known,
      }
    );
  }

  async userById(id: string): Promise<User | undefined> {
    const [row] = await this.database.query<UserRow>(sql`
      SELECT id, email, name, disabled_at FROM users WHERE id = ${id}`);
    return row && userOf(row);
  }

  /**
   * Disables the account, ends its sessions (OWASP ASVS 5.0 V7.4.2) and tells everyone: the clients that it was signed
   * in to are told of the end of a session. @returns whether this call did it
   */
  async disableUser(id: string, actor: string): Promise<boolean> {
    const changed = await this.database.query(sql`
      WITH disabled AS (
        UPDATE users SET disabled_at = now() WHERE id = ${id} AND disabled_at IS NULL
        RETURNING id
      ), ended AS (
        UPDATE sessions s SET ended_at = now() FROM disabled WHERE s.user_id = disabled.id AND s.ended_at IS NULL
        RETURNING s.id
      ), told AS (
        INSERT INTO outbox (kind, subject)
        SELECT 'user-disabled', id FROM disabled UNION ALL SELECT 'session-ended', id FROM ended
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'user.disable', ${actor}, id FROM disabled
      RETURNING id`);
    return changed.length > 0;
  }

  /**
   * Lets a disabled account sign in again. Nothing that it held before comes back: what it had allowed with offline
   * access ends here, and so does a session that a sign-in began while the account was being disabled.
   * @returns whether this call did it
   */
  async enableUser(id: string, actor: string): Promise<boolean> {
    const changed = await this.database.query(sql`
      WITH enabled AS (
        UPDATE users SET disabled_at = NULL
         WHERE id = ${id} AND disabled_at IS NOT NULL AND removal_started_at IS NULL
        RETURNING id
      ), revoked AS (
        UPDATE authorizations a SET state = 'revoked' FROM enabled
         WHERE a.user_id = enabled.id AND a.state <> 'revoked'
        RETURNING a.id, a.organization_id
      ), ended AS (
        UPDATE sessions s SET ended_at = now() FROM enabled WHERE s.user_id = enabled.id AND s.ended_at IS NULL
        RETURNING s.id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'authorization-revoked', id, organization_id FROM revoked
        UNION ALL SELECT 'session-ended', id, NULL FROM ended
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'user.enable', ${actor}, id FROM enabled
      RETURNING id`);
    return changed.length > 0;
  }

  /** The keys of the organizations of which this person is an owner, and nobody who can sign in and stays. */
  async organizationsWithoutOwner(ownerId: string): Promise<string[]> {
    const rows = await this.database.query<{ key: string }>(sql`
      SELECT o.key FROM memberships m JOIN organizations o ON o.id = m.organization_id
       WHERE m.user_id = ${ownerId} AND m.role = 'owner'
         AND NOT EXISTS (SELECT FROM memberships other JOIN users u ON u.id = other.user_id
                          WHERE other.organization_id = o.id AND other.role = 'owner'
                            AND u.disabled_at IS NULL AND u.deletion_at IS NULL)
       ORDER BY o.key`);
    return rows.map(({ key }) => key);
  }

  /** The same password at today's cost; nothing happens when it was changed meanwhile. */
  async upgradePasswordHash(id: string, from: string, to: string): Promise<void> {
    await this.database.query(sql`
      UPDATE users SET password_hash = ${to} WHERE id = ${id} AND password_hash = ${from}`);
  }

  /** What a password that was given says about its length; nothing happens when that is known, or it was changed. */
  async notePasswordLength(id: string, hash: string, short: boolean): Promise<void> {
    await this.database.query(sql`
      UPDATE users SET password_short = ${short}
       WHERE id = ${id} AND password_hash = ${hash} AND password_short IS NULL`);
  }

  /**
   * @param actor who does it: a user id, a client id, or a word for the process (`seed`)
   * @throws PublicError 409 `organization_key_taken`, decided by the constraint
   */
  async createOrganization(organization: NewOrganization, actor: string): Promise<Organization> {
    const { id = randomUUID(), key, name } = organization;
    const created = await this.database.query(sql`
      WITH created AS (
        INSERT INTO organizations (id, key, name) VALUES (${id}, ${key}, ${name})
        ON CONFLICT (key) DO NOTHING
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id) SELECT 'organization-changed', id, id FROM created
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'organization.create', ${actor}, id, id FROM created
      RETURNING id`);
    if (created.length === 0) {
      throw new PublicError(409, 'organization_key_taken', 'There is an organization with this key already.');
    }
    return { id, key, name, suspendedAt: null };
  }

  async organizationById(id: string): Promise<Organization | undefined> {
    const [row] = await this.database.query<OrganizationRow>(sql`
      SELECT id, key, name, suspended_at FROM organizations WHERE id = ${id}`);
    return row && organizationOf(row);
  }

  /**
   * Nobody uses anything of a suspended organization. Every license decision changes with it, so that modules hear
   * of it as a license change. @returns whether this call did it
   */
  async suspendOrganization(id: string, actor: string): Promise<boolean> {
    const changed = await this.database.query(sql`
      WITH suspended AS (
        UPDATE organizations SET suspended_at = now(), license_version = license_version + 1
         WHERE id = ${id} AND suspended_at IS NULL
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id, facts)
        SELECT 'license-changed', id, id, jsonb_build_object('act', 'organization.suspend') FROM suspended
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'organization.suspend', ${actor}, id, id FROM suspended
      RETURNING id`);
    return changed.length > 0;
  }

  /** Ends a suspension. @returns whether this call did it */
  async resumeOrganization(id: string, actor: string): Promise<boolean> {
    const changed = await this.database.query(sql`
      WITH resumed AS (
        UPDATE organizations SET suspended_at = NULL, license_version = license_version + 1
         WHERE id = ${id} AND suspended_at IS NOT NULL
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id, facts)
        SELECT 'license-changed', id, id, jsonb_build_object('act', 'organization.resume') FROM resumed
      )
      INSERT INTO audit_events (act, actor, target, organization_id)
      SELECT 'organization.resume', ${actor}, id, id FROM resumed
      RETURNING id`);
    return changed.length > 0;
  }

  /**
   * @throws PublicError 404 `unknown_user_or_organization`; 409 `already_member`, decided by the constraint
   */
  async addMember({ userId, organizationId, role }: NewMember, actor: string): Promise<void> {
    const [outcome] = await this.database.query<{ known: boolean; added: boolean }>(sql`
      WITH known AS (
        SELECT users.id AS user_id, organizations.id AS organization_id
          FROM users, organizations
         WHERE users.id = ${userId} AND organizations.id = ${organizationId}
           FOR KEY SHARE
      ), added AS (
        INSERT INTO memberships (user_id, organization_id, role)
        SELECT user_id, organization_id, ${role} FROM known
        ON CONFLICT (user_id, organization_id) DO NOTHING
        RETURNING user_id, organization_id
      ), told AS (
        INSERT INTO outbox (kind, subject, organization_id)
        SELECT 'membership-changed', user_id, organization_id FROM added
      ), audited AS (
        INSERT INTO audit_events (act, actor, target, organization_id, detail)
        SELECT 'membership.add', ${actor}, user_id, organization_id, jsonb_build_object('role', ${role}::text)
          FROM added
      )
      SELECT EXISTS (SELECT FROM known) AS known, EXISTS (SELECT FROM added) AS added`);
    if (!outcome?.known) {
      throw new PublicError(404, 'unknown_user_or_organization', 'There is no such person or organization.');
    }
    if (!outcome.added) {
      throw new PublicError(409, 'already_member', 'This person belongs to the organization already.');
    }
  }

  /** The organizations of a person, by name. @param within the one that is asked about; null for all of them */
  async membershipsOf(userId: string, within: string | null = null): Promise<Membership[]> {
    const rows = await this.database.query<
      OrganizationRow & { role: Role; custom_role: HeldCustomRole | null }
    >(sql`
      SELECT organizations.id, key, name, suspended_at, role,
             (SELECT jsonb_build_object('key', r.key, 'name', r.name, 'permissions', r.permissions)
                FROM organization_roles r WHERE r.id = custom_role_id) AS custom_role
        FROM memberships JOIN organizations ON organizations.id = organization_id
       WHERE user_id = ${userId} AND organizations.id = coalesce(${within}::uuid, organizations.id)
       ORDER BY name, organizations.id`);
    return rows.map((row) => ({ ...organizationOf(row), role: row.role, customRole: row.custom_role }));
  }

  /** What people are called, by id; of those whom we know. */
  async namesOf(ids: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.database.query<{ id: string; name: string }>(sql`
      SELECT id, name FROM users WHERE id::text = ANY(${ids}::text[])`);
    return new Map(rows.map(({ id, name }) => [id, name]));
  }

  /** What an attacker knows of a person, and tries first: name, address, organizations. */
  async wordsAbout(userId: string): Promise<string[]> {
    const [row] = await this.database.query<{ words: string[] }>(sql`
      SELECT ARRAY[u.email, u.name] || array_agg(o.name) FILTER (WHERE o.id IS NOT NULL)
                                    || array_agg(o.key) FILTER (WHERE o.id IS NOT NULL) AS words
        FROM users u
        LEFT JOIN memberships m ON m.user_id = u.id
        LEFT JOIN organizations o ON o.id = m.organization_id
       WHERE u.id = ${userId} GROUP BY u.id`);
    return row?.words ?? [];
  }

  /** Whom to ask for a license or a seat: owners, then administrators, who can sign in. */
  async contactsOf(organizationId: string): Promise<Contact[]> {
    return this.database.query<Contact>(sql`
      SELECT name, email, role
        FROM memberships JOIN users ON users.id = user_id
       WHERE organization_id = ${organizationId} AND role IN ('owner', 'administrator') AND disabled_at IS NULL
       ORDER BY role = 'owner' DESC, name, email`);
  }
}

function userOf(row: UserRow): User {
  return { id: row.id, email: row.email, name: row.name, disabledAt: row.disabled_at };
}

function organizationOf(row: OrganizationRow): Organization {
  return { id: row.id, key: row.key, name: row.name, suspendedAt: row.suspended_at };
}
