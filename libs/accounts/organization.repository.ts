import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { Configuration, Database, isUniqueViolation, PublicError, randomUUID, sql } from '#platform';
import type { Organization } from './account.js';
import { displayNameProblem, organizationNameProblem } from './display-name.js';
import { normalizeName } from './person-name.js';
import { organizationKeyOf, organizationKeyProblem } from './organization.js';
import { rolesFor } from './organization-authority.js';
import { refusalOf, type ActFacts } from './organization-errors.js';

export interface OrganizationDraft {
  readonly name: string;
  /** Derived from the name unless told. */
  readonly key?: string | undefined;
}

/** An organization as its members see it. */
export interface OrganizationDetails extends Organization {
  readonly createdAt: Date;
  /** When it is removed, after somebody asked for that. */
  readonly deletionAt: Date | null;
}

/** An organization in a list of all. */
export interface ListedOrganization extends OrganizationDetails {
  readonly members: number;
  /** Addresses. */
  readonly owners: readonly string[];
}

/** Organizations as their people make and name them. */
@Injectable()
export class OrganizationRepository {
  constructor(
    private readonly database: Database,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Creates an organization with its owner. Who does so for themselves may do it, and only so often.
   * @throws PublicError 400 `invalid_name`, `invalid_key`; 403 `creation_closed`; 404 `unknown_user`;
   * 409 `account_ending`, `organization_key_taken`, `too_many_organizations`
   */
  async create(draft: OrganizationDraft, ownerId: string, by: Actor): Promise<Organization> {
    const own = by.id === ownerId;
    if (own && this.configuration.organizationCreation === 'off') {
      throw new PublicError(
        403,
        'creation_closed',
        'Organizations are created by the operator of this service.',
      );
    }
    const { name, key } = checked(draft, by);
    const id = randomUUID();
    const most = own ? this.configuration.organizationsPerPerson : null;
    const outcome = await this.database.transaction(async (on) => {
      // two at once would count the same; the statement after the lock sees what was committed before it
      await on.query(sql`SELECT FROM users WHERE id::text = ${ownerId} FOR NO KEY UPDATE`);
      const [row] = await on.query<{ known: boolean; lasting: boolean; room: boolean; created: boolean }>(sql`
        WITH owner AS (
          SELECT id, deletion_at IS NULL AS lasting FROM users WHERE id::text = ${ownerId} AND disabled_at IS NULL
        ), facts AS (
          SELECT EXISTS (SELECT FROM owner) AS known, EXISTS (SELECT FROM owner WHERE lasting) AS lasting,
                 ${most}::int IS NULL OR ${most}::int > (
                   SELECT count(*) FROM organizations WHERE created_by = (SELECT id FROM owner)) AS room
        ), created AS (
          INSERT INTO organizations (id, key, name, created_by)
          SELECT ${id}, ${key}, ${name}, owner.id FROM facts, owner WHERE room AND owner.lasting
          ON CONFLICT (key) DO NOTHING
          RETURNING id, created_by
        ), owned AS (
          INSERT INTO memberships (user_id, organization_id, role) SELECT created_by, id, 'owner' FROM created
          RETURNING user_id, organization_id
        ), told AS (
          INSERT INTO outbox (kind, subject, organization_id)
          SELECT 'organization-changed', id, id FROM created
          UNION ALL SELECT 'membership-changed', user_id, organization_id FROM owned
        ), audited AS (
          INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
          SELECT 'organization.create', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id, id,
                 jsonb_build_object('key', ${key}::text, 'owner', created_by)
            FROM created
        )
        SELECT *, EXISTS (SELECT FROM created) AS created FROM facts`);
      return row;
    });
    if (!outcome?.known) throw new PublicError(404, 'unknown_user', 'There is no such account.');
    if (!outcome.lasting) throw ownerEnding(own);
    if (!outcome.room) {
      throw new PublicError(
        409,
        'too_many_organizations',
        `You have created ${most} organizations, which is as many as one person may.`,
      );
    }
    if (!outcome.created) throw taken();
    return { id, key, name, suspendedAt: null };
  }

  /**
   * Gives it another name and key.
   * @throws PublicError 400 `invalid_name`, `invalid_key`; 403 `access_denied`; 409 `organization_key_taken`
   */
  async rename(organizationId: string, draft: OrganizationDraft, by: Actor): Promise<void> {
    const { name, key } = checked(draft, by);
    const [facts] = await this.database
      .query<ActFacts>(
        sql`
        WITH actor AS (
          SELECT FROM memberships
           WHERE organization_id = ${organizationId} AND user_id::text = ${by.id}
             AND role = ANY (${rolesFor('organization:rename')}::text[]) FOR SHARE
        ), before AS (
          SELECT id, name, key FROM organizations WHERE id = ${organizationId} FOR NO KEY UPDATE
        ), changed AS (
          UPDATE organizations o SET name = ${name}, key = ${key} FROM before
           WHERE o.id = before.id AND EXISTS (SELECT FROM actor)
             AND (before.name, before.key) IS DISTINCT FROM (${name}::text, ${key}::text)
          RETURNING o.id, before.name, before.key
        ), told AS (
          INSERT INTO outbox (kind, subject, organization_id) SELECT 'organization-changed', id, id FROM changed
        ), audited AS (
          INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, detail)
          SELECT 'organization.rename', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id, id,
                 jsonb_build_object('from', jsonb_build_object('name', name, 'key', key),
                                    'to', jsonb_build_object('name', ${name}::text, 'key', ${key}::text))
            FROM changed
        )
        SELECT EXISTS (SELECT FROM actor) AS allowed`,
      )
      .catch((error: Error) => {
        throw isUniqueViolation(error) ? taken() : error;
      });
    const refusal = refusalOf(facts, 'member');
    if (refusal) throw refusal;
  }

  async find(organizationId: string): Promise<OrganizationDetails | undefined> {
    const [row] = await this.database.query<OrganizationDetails>(sql`
      SELECT id, key, name, suspended_at AS "suspendedAt", created_at AS "createdAt", deletion_at AS "deletionAt"
        FROM organizations WHERE id = ${organizationId}`);
    return row;
  }

  async findByKey(key: string): Promise<Organization | undefined> {
    const [row] = await this.database.query<Organization>(sql`
      SELECT id, key, name, suspended_at AS "suspendedAt" FROM organizations WHERE key = ${key}`);
    return row;
  }

  /** By key. @param after the key of the last one of the page before */
  async list({ after = '', limit }: { after?: string; limit: number }): Promise<ListedOrganization[]> {
    return this.database.query<ListedOrganization>(sql`
      SELECT o.id, o.key, o.name, o.suspended_at AS "suspendedAt", o.created_at AS "createdAt",
             o.deletion_at AS "deletionAt",
             (SELECT count(*)::int FROM memberships m WHERE m.organization_id = o.id) AS members,
             (SELECT coalesce(array_agg(u.email ORDER BY u.email), '{}')
                FROM memberships m JOIN users u ON u.id = m.user_id
               WHERE m.organization_id = o.id AND m.role = 'owner') AS owners
        FROM organizations o WHERE o.key COLLATE "C" > ${after} ORDER BY o.key COLLATE "C" LIMIT ${limit}`);
  }
}

/** @throws PublicError 400 `invalid_name`, `invalid_key` */
function checked(draft: OrganizationDraft, by: Actor) {
  // an operator may serve one that is called as its site is
  const problem = by.factor === null ? displayNameProblem(draft.name) : organizationNameProblem(draft.name);
  if (problem) throw new PublicError(400, 'invalid_name', problem);
  const name = normalizeName(draft.name);
  const key = draft.key ?? organizationKeyOf(name);
  if (draft.key === undefined && key === '') {
    throw new PublicError(
      400,
      'invalid_key',
      'Choose a key too: the name has no letter from a to z to make one of.',
    );
  }
  const keyProblem = organizationKeyProblem(key);
  if (keyProblem) throw new PublicError(400, 'invalid_key', keyProblem);
  return { name, key };
}

/** It would be left without an owner. */
function ownerEnding(own: boolean): PublicError {
  return new PublicError(
    409,
    'account_ending',
    own
      ? 'Your account is about to be deleted. Keep it first, under “Your data” of your account.'
      : 'The owner’s account is about to be deleted. They have to keep it first, under “Your data” of their account.',
  );
}

function taken(): PublicError {
  return new PublicError(
    409,
    'organization_key_taken',
    'There is an organization with this key already. Choose another.',
  );
}
