import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sha256, sql, type Transaction } from '#platform';
import type { Client } from '../clients/client.js';
import type { StatedMetadata } from './client-metadata.js';

/** Clients of each of the two kinds that nobody here has asked for; more are not taken in. */
export const MAX_UNASKED_CLIENTS = 10_000;
const A_DAY = 86_400;
/** A client that registered itself and never got a person's consent in this time is removed. */
const UNUSED_SECONDS = 30 * A_DAY;

export interface Registration {
  readonly tokenSha256: Buffer | null;
  readonly createdAt: Date;
  readonly stated: StatedMetadata;
}

/** Why a client was not taken in: there are too many, or its initial access token lets nobody in (any more). */
export type NotSaved = 'full' | 'token-refused';

interface Saving {
  readonly stated: StatedMetadata | null;
  /** Used up once by the same statement, when the registration needs one. */
  readonly initialAccessToken?: string | undefined;
}

/** Clients that came by themselves: by registration (RFC 7591) or by a metadata document. */
@Injectable()
export class RegisteredClientRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** What manages a registration, or undefined when there is none that is enabled. */
  async find(id: string): Promise<Registration | undefined> {
    const [row] = await this.database.query<Registration>(sql`
      SELECT registration_token_sha256 AS "tokenSha256", created_at AS "createdAt", registered_metadata AS stated
        FROM clients WHERE id = ${id} AND source = 'registration' AND disabled_at IS NULL`);
    return row;
  }

  /** Whether an administrator has shut out the client of this metadata document. */
  async isDisabled(id: string): Promise<boolean> {
    const rows = await this.database.query(sql`
      SELECT FROM clients WHERE id = ${id} AND disabled_at IS NOT NULL`);
    return rows.length > 0;
  }

  /**
   * Takes a client in. The row of a metadata document is brought up to date instead when it is there, so that
   * consents and authorizations have a client to belong to. Requests that come at once may together pass the limit by
   * as many as there are connections.
   * @returns what hinders it, or undefined
   */
  async save(client: Client, { stated, initialAccessToken }: Saving): Promise<NotSaved | undefined> {
    const now = this.clock.now();
    const token = initialAccessToken === undefined ? null : sha256(initialAccessToken);
    const [outcome] = await this.database.query<{ room: boolean; saved: boolean }>(sql`
      WITH known AS (
        SELECT to_jsonb(c) - 'created_at' AS state FROM clients c WHERE id = ${client.id}
      ), room AS (
        SELECT EXISTS (SELECT FROM known)
               OR (SELECT count(*) FROM clients WHERE source <> 'administrator' AND source = ${client.source})
                  < ${MAX_UNASKED_CLIENTS} AS free
      ), let_in AS (
        UPDATE initial_access_tokens SET uses_left = uses_left - 1
         WHERE token_sha256 = ${token} AND uses_left > 0 AND expires_at > ${now} AND (SELECT free FROM room)
        RETURNING id
      ), saved AS (
        INSERT INTO clients AS c (
          id, name, token_endpoint_auth_method, secret_sha256, jwks, jwks_uri, grant_types, redirect_uris,
          post_logout_redirect_uris, backchannel_logout_uri, scopes, par_required, dpop_required, source,
          registration_token_sha256, client_uri, logo_uri, tos_uri, policy_uri, contacts, id_token_algorithm,
          registered_metadata, created_at)
        SELECT ${client.id}, ${client.name}, ${client.tokenEndpointAuthMethod}, ${client.secretSha256}, ${client.jwks},
               ${client.jwksUri}, ${client.grantTypes}, ${client.redirectUris}, ${client.postLogoutRedirectUris},
               ${client.backchannelLogoutUri}, ${client.scopes}, ${client.parRequired}, ${client.dpopRequired},
               ${client.source}, ${client.registrationTokenSha256}, ${client.clientUri}, ${client.logoUri},
               ${client.tosUri}, ${client.policyUri}, ${client.contacts}, ${client.idTokenAlgorithm}, ${stated}, ${now}
         WHERE (SELECT free FROM room) AND (${token}::bytea IS NULL OR EXISTS (SELECT FROM let_in))
        ON CONFLICT (id) DO UPDATE SET
          name = excluded.name, token_endpoint_auth_method = excluded.token_endpoint_auth_method,
          jwks = excluded.jwks, jwks_uri = excluded.jwks_uri, grant_types = excluded.grant_types,
          redirect_uris = excluded.redirect_uris, post_logout_redirect_uris = excluded.post_logout_redirect_uris,
          backchannel_logout_uri = excluded.backchannel_logout_uri, scopes = excluded.scopes,
          par_required = excluded.par_required, dpop_required = excluded.dpop_required,
          client_uri = excluded.client_uri, logo_uri = excluded.logo_uri, tos_uri = excluded.tos_uri,
          policy_uri = excluded.policy_uri, contacts = excluded.contacts,
          id_token_algorithm = excluded.id_token_algorithm, created_at = excluded.created_at
         WHERE c.source = 'metadata_document' AND excluded.source = 'metadata_document'
        RETURNING c.id, to_jsonb(c) - 'created_at' AS state
      ), changed AS (
        SELECT id FROM saved WHERE state IS DISTINCT FROM (SELECT state FROM known)
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-changed', id FROM changed
      ), noted AS (
        INSERT INTO audit_events (act, actor, target, detail)
        SELECT 'client.' || CASE WHEN EXISTS (SELECT FROM known) THEN 'replace' ELSE 'register' END,
               ${client.source}::text, id,
               jsonb_build_object('initial_access_token', (SELECT id FROM let_in)) FROM changed
      )
      SELECT (SELECT free FROM room) AS room, EXISTS (SELECT FROM saved) AS saved`);
    if (outcome?.saved) return undefined;
    return outcome?.room ? 'token-refused' : 'full';
  }

  /**
   * Replaces what a client has registered (RFC 7592 §2.2).
   * @param secretBefore the secret that the client had when the replacement was made from it
   * @returns false when the registration is not managed by its token (any more), or its secret is another one by now
   */
  async replace(client: Client, secretBefore: Buffer | null, stated: StatedMetadata): Promise<boolean> {
    const replaced = await this.database.query(sql`
      WITH replaced AS (
        UPDATE clients SET
          name = ${client.name}, token_endpoint_auth_method = ${client.tokenEndpointAuthMethod},
          secret_sha256 = ${client.secretSha256}, jwks = ${client.jwks}, jwks_uri = ${client.jwksUri},
          grant_types = ${client.grantTypes}, redirect_uris = ${client.redirectUris},
          post_logout_redirect_uris = ${client.postLogoutRedirectUris},
          backchannel_logout_uri = ${client.backchannelLogoutUri}, scopes = ${client.scopes},
          par_required = ${client.parRequired}, dpop_required = ${client.dpopRequired},
          client_uri = ${client.clientUri}, logo_uri = ${client.logoUri}, tos_uri = ${client.tosUri},
          policy_uri = ${client.policyUri}, contacts = ${client.contacts},
          id_token_algorithm = ${client.idTokenAlgorithm}, registered_metadata = ${stated}
         WHERE id = ${client.id} AND source = 'registration' AND disabled_at IS NULL
           AND registration_token_sha256 = ${client.registrationTokenSha256}
           AND secret_sha256 IS NOT DISTINCT FROM ${secretBefore}::bytea
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-changed', id FROM replaced
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'client.replace', id, id FROM replaced RETURNING target`);
    return replaced.length > 0;
  }

  /** Ends what a client may do, at once and everywhere (RFC 7592 §2.3); its row goes when nothing is left of it. */
  async remove(id: string, tokenSha256: Buffer): Promise<boolean> {
    const removed = await this.database.query(sql`
      WITH removed AS (
        UPDATE clients SET disabled_at = ${this.clock.now()}, registration_token_sha256 = NULL
         WHERE id = ${id} AND source = 'registration' AND disabled_at IS NULL
           AND registration_token_sha256 = ${tokenSha256}
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-disabled', id FROM removed
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'client.unregister', id, id FROM removed RETURNING target`);
    return removed.length > 0;
  }

  /** Removes what nothing refers to any more: each call one small batch of each kind. */
  async prune(limit: number): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      DELETE FROM initial_access_tokens
       WHERE id IN (SELECT id FROM initial_access_tokens WHERE expires_at < ${now} ORDER BY expires_at LIMIT ${limit})`);
    // a lost use would be worse than a late removal, and no snapshot shows a use that was committed after it was taken
    await this.database.transaction(async (transaction) => {
      const found = await this.unused(transaction, limit);
      const ids = found.length === 0 ? [] : await this.unused(transaction, limit, found);
      if (ids.length === 0) return;
      await transaction.query(sql`
        WITH expired AS (
          DELETE FROM clients WHERE id = ANY (${ids}) RETURNING id
        ), told AS (
          INSERT INTO outbox (kind, subject) SELECT 'client-disabled', id FROM expired
        )
        INSERT INTO audit_events (act, actor, target) SELECT 'client.expire', 'sweeper', id FROM expired`);
    });
  }

  /**
   * Clients that nothing refers to and nobody will miss, each of them locked: whoever begins to use one waits at its
   * foreign key. One that somebody is using is left out.
   * @param among of these alone, to see what has come to them before they were locked
   */
  private async unused(
    transaction: Transaction,
    limit: number,
    among: readonly string[] | null = null,
  ): Promise<string[]> {
    const now = this.clock.now();
    const rows = await transaction.query<{ id: string }>(sql`
      SELECT c.id FROM clients c
       WHERE c.source <> 'administrator' AND c.created_at < ${addSeconds(now, -A_DAY)}
         AND (${among}::text[] IS NULL OR c.id = ANY (${among}))
         AND CASE c.source
             -- who unregistered; or who never came back: a machine alone leaves no trace of its coming
             WHEN 'registration' THEN
               c.disabled_at < ${addSeconds(now, -A_DAY)}
               OR c.disabled_at IS NULL AND c.created_at < ${addSeconds(now, -UNUSED_SECONDS)}
                  AND NOT 'client_credentials' = ANY (c.grant_types)
                  AND NOT EXISTS (SELECT FROM consents WHERE client_id = c.id)
             -- one that is disabled stays, so that it stays shut out
             ELSE c.disabled_at IS NULL AND NOT EXISTS (SELECT FROM consents WHERE client_id = c.id) END
         AND NOT EXISTS (SELECT FROM authorizations WHERE client_id = c.id)
         AND NOT EXISTS (SELECT FROM pushed_requests WHERE client_id = c.id)
         AND NOT EXISTS (SELECT FROM device_authorizations WHERE client_id = c.id)
       ORDER BY c.created_at LIMIT ${limit}
         FOR UPDATE OF c SKIP LOCKED`);
    return rows.map(({ id }) => id);
  }
}
