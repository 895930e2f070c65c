import { Injectable } from '@nestjs/common';
import { Database, OutboundHttp, PublicError, sql, type Transaction } from '#platform';
import type { Client, ClientAuthenticationMethod } from './client.js';
import { clientProblem } from './client-policy.js';

export type NewClient = Pick<Client, 'id' | 'name' | 'grantTypes' | 'scopes'> & Partial<Client>;

@Injectable()
export class ClientRepository {
  constructor(
    private readonly database: Database,
    private readonly outbound: OutboundHttp,
  ) {}

  /** An enabled client, or undefined. @param alsoDisabled one that is disabled too */
  async find(
    id: string,
    { alsoDisabled = false }: { readonly alsoDisabled?: boolean } = {},
    on: Database | Transaction = this.database,
  ): Promise<Client | undefined> {
    const [row] = await on.query<Client>(sql`
      SELECT id, name, token_endpoint_auth_method AS "tokenEndpointAuthMethod", secret_sha256 AS "secretSha256", jwks,
             jwks_uri AS "jwksUri", organization_id AS "organizationId", module_key AS "moduleKey",
             grant_types AS "grantTypes", redirect_uris AS "redirectUris",
             post_logout_redirect_uris AS "postLogoutRedirectUris", backchannel_logout_uri AS "backchannelLogoutUri",
             scopes, resources, first_party AS "firstParty", pkce_required AS "pkceRequired",
             nonce_required AS "nonceRequired", par_required AS "parRequired", dpop_required AS "dpopRequired", profile,
             access_token_format AS "accessTokenFormat", may_act AS "mayAct", source,
             registration_token_sha256 AS "registrationTokenSha256", client_uri AS "clientUri",
             logo_uri AS "logoUri", tos_uri AS "tosUri", policy_uri AS "policyUri", contacts,
             id_token_algorithm AS "idTokenAlgorithm", access_token_seconds AS "accessTokenSeconds",
             refresh_token_seconds AS "refreshTokenSeconds", code_seconds AS "codeSeconds"
        FROM clients WHERE id = ${id} AND (disabled_at IS NULL OR ${alsoDisabled})`);
    return row;
  }

  /** Origins of the redirect URIs of clients that run in a browser or on a device, which alone need CORS. */
  async publicOrigins(): Promise<string[]> {
    const rows = await this.database.query<{ origin: string }>(sql`
      SELECT DISTINCT substring(uri FROM '^https?://[^/?#]+') AS origin
        FROM clients, unnest(redirect_uris) AS uri
       WHERE token_endpoint_auth_method = 'none' AND disabled_at IS NULL AND uri ~ '^https?://'`);
    return rows.map(({ origin }) => origin);
  }

  /**
   * Registers a client, or brings one up to date.
   * @throws PublicError 400 when it cannot be registered like this
   */
  async save(given: NewClient, actor: string): Promise<void> {
    const client = complete(given);
    await this.check(client);
    await this.write(client, { act: 'client.save', actor });
  }

  /** @throws PublicError 400 when a client cannot be registered like this */
  async check(client: Client): Promise<void> {
    const problem = clientProblem(client);
    if (problem) throw new PublicError(400, problem.code, problem.message);
    await this.requireReachable(client);
  }

  /**
   * Writes a client that has been checked.
   * @param how.asNew leaves one that is there alone
   * @returns whether it was written
   */
  async write(
    client: Client,
    how: {
      readonly act: string;
      readonly actor: string;
      readonly detail?: Readonly<Record<string, unknown>>;
      readonly asNew?: boolean;
    },
    on: Database | Transaction = this.database,
  ): Promise<boolean> {
    const { act, actor, detail = null, asNew = false } = how;
    const written = await on.query(sql`
      WITH saved AS (
        INSERT INTO clients (id, name, token_endpoint_auth_method, secret_sha256, jwks, jwks_uri, organization_id,
                             module_key, grant_types, redirect_uris, post_logout_redirect_uris,
                             backchannel_logout_uri, scopes, resources, first_party, pkce_required, nonce_required, par_required,
                             dpop_required, profile, access_token_format, may_act, source,
                             registration_token_sha256, client_uri, logo_uri, tos_uri, policy_uri, contacts,
                             id_token_algorithm, access_token_seconds, refresh_token_seconds, code_seconds)
        VALUES (${client.id}, ${client.name}, ${client.tokenEndpointAuthMethod}, ${client.secretSha256}, ${client.jwks},
                ${client.jwksUri}, ${client.organizationId}, ${client.moduleKey}, ${client.grantTypes},
                ${client.redirectUris}, ${client.postLogoutRedirectUris}, ${client.backchannelLogoutUri},
                ${client.scopes}, ${client.resources}, ${client.firstParty}, ${client.pkceRequired},
                ${client.nonceRequired}, ${client.parRequired}, ${client.dpopRequired}, ${client.profile}, ${client.accessTokenFormat},
                ${client.mayAct}, ${client.source}, ${client.registrationTokenSha256}, ${client.clientUri},
                ${client.logoUri}, ${client.tosUri}, ${client.policyUri}, ${client.contacts},
                ${client.idTokenAlgorithm}, ${client.accessTokenSeconds}, ${client.refreshTokenSeconds},
                ${client.codeSeconds})
        ON CONFLICT (id) DO UPDATE SET
          name = excluded.name, token_endpoint_auth_method = excluded.token_endpoint_auth_method,
          secret_sha256 = excluded.secret_sha256, jwks = excluded.jwks, jwks_uri = excluded.jwks_uri,
          organization_id = excluded.organization_id, module_key = excluded.module_key,
          grant_types = excluded.grant_types, redirect_uris = excluded.redirect_uris,
          post_logout_redirect_uris = excluded.post_logout_redirect_uris,
          backchannel_logout_uri = excluded.backchannel_logout_uri, scopes = excluded.scopes,
          resources = excluded.resources, first_party = excluded.first_party,
          pkce_required = excluded.pkce_required, nonce_required = excluded.nonce_required,
          par_required = excluded.par_required,
          dpop_required = excluded.dpop_required, profile = excluded.profile,
          access_token_format = excluded.access_token_format, may_act = excluded.may_act, source = excluded.source,
          registration_token_sha256 = excluded.registration_token_sha256, client_uri = excluded.client_uri,
          logo_uri = excluded.logo_uri, tos_uri = excluded.tos_uri, policy_uri = excluded.policy_uri,
          contacts = excluded.contacts, id_token_algorithm = excluded.id_token_algorithm,
          access_token_seconds = excluded.access_token_seconds,
          refresh_token_seconds = excluded.refresh_token_seconds, code_seconds = excluded.code_seconds
         WHERE NOT ${asNew}
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-changed', id FROM saved
      )
      INSERT INTO audit_events (act, actor, target, detail)
      SELECT ${act}::text, ${actor}::text, id, ${detail}::jsonb FROM saved RETURNING target`);
    return written.length > 0;
  }

  /** Back-Channel Logout §2.2: an absolute URI without a fragment; https, unless it lies in a network that is allowed. */
  private async requireReachable({ backchannelLogoutUri: uri }: Client): Promise<void> {
    const problem = uri === null ? undefined : await this.outbound.problem(uri);
    if (problem === undefined) return;
    throw new PublicError(400, 'invalid_client_metadata', `The back-channel logout URI ${problem}.`);
  }

  /** Ends what a client may do; its tokens stop working everywhere. @returns whether it was enabled until now */
  async disable(id: string, now: Date, actor: string): Promise<boolean> {
    const disabled = await this.database.query(sql`
      WITH disabled AS (
        UPDATE clients SET disabled_at = ${now} WHERE id = ${id} AND disabled_at IS NULL RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-disabled', id FROM disabled
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'client.disable', ${actor}::text, id FROM disabled
      RETURNING target`);
    return disabled.length > 0;
  }
}

export function complete(given: NewClient): Client {
  return {
    secretSha256: null,
    jwks: null,
    jwksUri: null,
    organizationId: null,
    moduleKey: null,
    redirectUris: [],
    postLogoutRedirectUris: [],
    backchannelLogoutUri: null,
    resources: null,
    firstParty: false,
    pkceRequired: true,
    nonceRequired: true,
    parRequired: false,
    dpopRequired: false,
    profile: 'oauth21',
    accessTokenFormat: 'jwt',
    mayAct: null,
    source: 'administrator',
    registrationTokenSha256: null,
    clientUri: null,
    logoUri: null,
    tosUri: null,
    policyUri: null,
    contacts: [],
    idTokenAlgorithm: 'ES256',
    accessTokenSeconds: 86_400,
    refreshTokenSeconds: 2_592_000,
    codeSeconds: 300,
    tokenEndpointAuthMethod: methodOf(given),
    ...given,
  };
}

/** The method that a client's credentials are for, unless it names one. */
function methodOf({ secretSha256, jwks, jwksUri }: NewClient): ClientAuthenticationMethod {
  if (secretSha256) return 'client_secret_basic';
  return jwks || jwksUri ? 'private_key_jwt' : 'none';
}
