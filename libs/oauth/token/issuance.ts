import { Injectable } from '@nestjs/common';
import { Configuration } from '#platform';
import { audienceOf, narrowedResources } from '../audience.js';
import type { Authorization } from '../authorization/authorization.js';
import type { Client } from '../clients/client.js';
import { IssuancePolicy, licenseDenied } from '../issuance-policy.js';
import { ModuleDirectory, type Modules } from '../module-directory.js';
import { scopesForRole } from '../role-policy.js';
import { requestedScopes } from '../scope.js';
import { TokenResponses, type TokenResponse } from './token-response.js';

export interface TokenWish {
  /** The `scope` parameter: no more than was granted (RFC 6749 §6). */
  readonly scope?: string | undefined;
  readonly resources: readonly string[] | undefined;
  readonly jkt: string | undefined;
}

/** What every grant does in the end: audience, license, tokens. */
@Injectable()
export class Issuance {
  constructor(
    private readonly modules: ModuleDirectory,
    private readonly policy: IssuancePolicy,
    private readonly responses: TokenResponses,
    private readonly configuration: Configuration,
  ) {}

  /** Fetches what must be at hand before a transaction begins, since inside it nothing else may be waited for. */
  async prepare(): Promise<PreparedIssuance> {
    const context = { all: await this.modules.all(), issuer: this.configuration.issuer };
    return new PreparedIssuance(context, this.policy, this.responses);
  }
}

export class PreparedIssuance {
  constructor(
    private readonly context: { readonly all: Modules; readonly issuer: string },
    private readonly policy: IssuancePolicy,
    private readonly responses: TokenResponses,
  ) {}

  /** @throws InvalidScope, InvalidTarget, AccessDenied when the organization has no license */
  async issue(client: Client, authorization: Authorization, wish: TokenWish): Promise<TokenResponse> {
    // nor a scope that the client has lost
    const kept = authorization.scopes.filter((scope) => client.scopes.includes(scope));
    // nor one that is not for the role that the person has by now
    const granted = scopesForRole(this.context.all, kept, authorization.organization.role);
    const scopes = requestedScopes(wish.scope, granted);
    const resources = narrowedResources(authorization.resources, wish.resources);
    const audience = audienceOf(this.context, client, scopes, resources);
    const { organization, userId } = authorization;
    const refusal = await this.policy.refusal(audience.modules, organization, userId);
    if (refusal) throw licenseDenied(refusal);
    return this.responses.forPerson(client, authorization, audience, wish.jkt);
  }

  async issueToMachine(
    client: Client,
    scopes: readonly string[],
    wish: Omit<TokenWish, 'scope'>,
  ): Promise<TokenResponse> {
    const audience = audienceOf(this.context, client, scopes, wish.resources);
    if (client.organizationId !== null) {
      const refusal = await this.policy.refusal(audience.modules, { id: client.organizationId }, null);
      if (refusal) throw licenseDenied(refusal);
    }
    return this.responses.forMachine(client, audience, wish.jkt);
  }
}
