import { Injectable } from '@nestjs/common';
import { Database, PublicError, sql } from '#platform';
import { redirectUriProblem } from '../redirect-uri.js';
import type { Client, GrantType } from './client.js';

export type NewClient = Pick<Client, 'id' | 'name' | 'grantTypes' | 'scopes'> & Partial<Client>;

interface Row {
  id: string;
  name: string;
  secret_sha256: Buffer | null;
  organization_id: string | null;
  module_key: string | null;
  grant_types: GrantType[];
  redirect_uris: string[];
  post_logout_redirect_uris: string[];
  backchannel_logout_uri: string | null;
  scopes: string[];
  first_party: boolean;
  id_token_algorithm: 'ES256' | 'RS256';
  access_token_seconds: number;
  refresh_token_seconds: number;
  code_seconds: number;
}

@Injectable()
export class ClientRepository {
  constructor(private readonly database: Database) {}

  /** An enabled client, or undefined. */
  async find(id: string): Promise<Client | undefined> {
    const [row] = await this.database.query<Row>(sql`
      SELECT id, name, secret_sha256, organization_id, module_key, grant_types, redirect_uris,
             post_logout_redirect_uris, backchannel_logout_uri, scopes, first_party, id_token_algorithm,
             access_token_seconds, refresh_token_seconds, code_seconds
        FROM clients WHERE id = ${id} AND disabled_at IS NULL`);
    return row && clientOf(row);
  }

  /**
   * Registers a client, or brings one up to date.
   * @throws PublicError 400 when a redirect URI cannot be registered
   */
  async save(client: NewClient, actor: string): Promise<void> {
    const redirectUris = client.redirectUris ?? [];
    const postLogoutRedirectUris = client.postLogoutRedirectUris ?? [];
    for (const uri of [...redirectUris, ...postLogoutRedirectUris]) {
      const problem = redirectUriProblem(uri);
      if (problem) throw new PublicError(400, 'invalid_redirect_uri', `The redirect URI ${uri} ${problem}.`);
    }
    await this.database.query(sql`
      WITH saved AS (
        INSERT INTO clients (id, name, secret_sha256, organization_id, module_key, grant_types, redirect_uris,
                             post_logout_redirect_uris, backchannel_logout_uri, scopes, first_party,
                             id_token_algorithm, access_token_seconds, refresh_token_seconds, code_seconds)
        VALUES (${client.id}, ${client.name}, ${client.secretSha256 ?? null}, ${client.organizationId ?? null},
                ${client.moduleKey ?? null}, ${client.grantTypes}, ${redirectUris}, ${postLogoutRedirectUris},
                ${client.backchannelLogoutUri ?? null}, ${client.scopes}, ${client.firstParty ?? false},
                ${client.idTokenAlgorithm ?? 'ES256'}, ${client.accessTokenSeconds ?? 86_400},
                ${client.refreshTokenSeconds ?? 2_592_000}, ${client.codeSeconds ?? 300})
        ON CONFLICT (id) DO UPDATE SET
          name = excluded.name, secret_sha256 = excluded.secret_sha256, organization_id = excluded.organization_id,
          module_key = excluded.module_key, grant_types = excluded.grant_types,
          redirect_uris = excluded.redirect_uris,
          post_logout_redirect_uris = excluded.post_logout_redirect_uris,
          backchannel_logout_uri = excluded.backchannel_logout_uri, scopes = excluded.scopes,
          first_party = excluded.first_party, id_token_algorithm = excluded.id_token_algorithm,
          access_token_seconds = excluded.access_token_seconds,
          refresh_token_seconds = excluded.refresh_token_seconds, code_seconds = excluded.code_seconds
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-changed', id FROM saved
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'client.save', ${actor}::text, id FROM saved`);
  }

  /** Ends what a client may do; its tokens stop working everywhere. */
  async disable(id: string, now: Date, actor: string): Promise<void> {
    await this.database.query(sql`
      WITH disabled AS (
        UPDATE clients SET disabled_at = ${now} WHERE id = ${id} AND disabled_at IS NULL RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-disabled', id FROM disabled
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'client.disable', ${actor}::text, id FROM disabled`);
  }
}

function clientOf(row: Row): Client {
  return {
    id: row.id,
    name: row.name,
    secretSha256: row.secret_sha256,
    organizationId: row.organization_id,
    moduleKey: row.module_key,
    grantTypes: row.grant_types,
    redirectUris: row.redirect_uris,
    postLogoutRedirectUris: row.post_logout_redirect_uris,
    backchannelLogoutUri: row.backchannel_logout_uri,
    scopes: row.scopes,
    firstParty: row.first_party,
    idTokenAlgorithm: row.id_token_algorithm,
    accessTokenSeconds: row.access_token_seconds,
    refreshTokenSeconds: row.refresh_token_seconds,
    codeSeconds: row.code_seconds,
  };
}
