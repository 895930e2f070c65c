import { Injectable } from '@nestjs/common';
import { Configuration } from '#platform';
import { audienceOf, narrowedResources, requireServerAlone } from '../audience.js';
import type { Authorization, GrantedOrganization } from '../authorization/authorization.js';
import type { Client } from '../clients/client.js';
import { IssuancePolicy, licenseDenied, type Refusal } from '../issuance-policy.js';
import { ModuleDirectory, type Module, type Modules } from '../module-directory.js';
import { scopesForRole } from '../role-policy.js';
import { requestedScopes } from '../scope.js';
import { TokenResponses, type TokenResponse } from './token-response.js';

export interface TokenWish {
  /** The `scope` parameter: no more than was granted (RFC 6749 §6). */
  readonly scope?: string | undefined;
  readonly resources: readonly string[] | undefined;
  readonly jkt: string | undefined;
}

/** A license gives this person a free seat at first use, which cannot be taken inside the transaction that asks. */
class SeatWanted extends Error {
  constructor(
    readonly refusal: Refusal,
    readonly modules: readonly Module[],
    readonly organization: GrantedOrganization,
    readonly userId: string,
  ) {
    super('a seat is to be taken first');
  }
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

  /**
   * Runs a transaction that issues. When all that it lacks is a seat that first use gives, it is rolled back, the seat
   * is taken while no lock is held, and it runs again.
   */
  async seated<T>(transact: () => Promise<T>): Promise<T> {
    try {
      return await transact();
    } catch (error) {
      if (!(error instanceof SeatWanted)) throw error;
      const { modules, organization, userId } = error;
      const { refusal } = await this.policy.admit(modules, organization, userId);
      if (refusal) throw licenseDenied(refusal);
    }
    try {
      return await transact();
    } catch (error) {
      // the seat was taken away again in the meantime
      throw error instanceof SeatWanted ? licenseDenied(error.refusal) : error;
    }
  }

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

  /**
   * Inside `Issuance.seated`.
   * @throws InvalidScope, InvalidTarget, AccessDenied when the organization has no license, or there is none
   */
  async issue(client: Client, authorization: Authorization, wish: TokenWish): Promise<TokenResponse> {
    // nor a scope that the client has lost
    const kept = authorization.scopes.filter((scope) => client.scopes.includes(scope));
    // nor one that is not for the role that the person has by now
    const granted = scopesForRole(this.context.all, kept, authorization.organization);
    const scopes = requestedScopes(wish.scope, granted);
    const resources = narrowedResources(authorization.resources, wish.resources);
    const audience = audienceOf(this.context, client, scopes, resources);
    const { organization, userId } = authorization;
    if (organization) await this.requireLicense(audience.modules, organization, userId);
    else requireServerAlone(audience, this.context.issuer);
    return this.responses.forPerson(client, authorization, audience, wish.jkt);
  }

  private async requireLicense(
    modules: readonly Module[],
    organization: GrantedOrganization,
    userId: string,
  ): Promise<void> {
    const refusal = await this.policy.refusal(modules, organization, userId);
    if (refusal && refusal.openLicenses.length > 0) {
      throw new SeatWanted(refusal, modules, organization, userId);
    }
    if (refusal) throw licenseDenied(refusal);
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
