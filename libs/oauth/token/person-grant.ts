import type { AccessTokenGrant } from '#tokens';
import type { Audience } from '../audience.js';
import type { Authorization } from '../authorization/authorization.js';
import type { Client } from '../clients/client.js';
import { entitlementsFor, roleNameOf } from '../role-policy.js';

/** What of an authorization an access token tells. */
export type GrantingAuthorization = Pick<
  Authorization,
  'id' | 'userId' | 'sessionId' | 'offline' | 'organization'
>;

/** The claims of an access token for a person (RFC 9068 §2.2). */
export function personGrant(
  client: Pick<Client, 'id' | 'mayAct'>,
  { id, userId, sessionId, offline, organization }: GrantingAuthorization,
  { scopes, modules, identifiers }: Audience,
): AccessTokenGrant {
  const entitlements = organization ? entitlementsFor(modules, organization) : [];
  return {
    sub: userId,
    aud: identifiers,
    client_id: client.id,
    scope: scopes.join(' '),
    // offline access does not end with the session, so nothing that names the session may end it
    ...(offline ? {} : { sid: sessionId }),
    authorization_id: id,
    ...(organization
      ? {
          organization_id: organization.id,
          organization: organization.key,
          license_version: organization.licenseVersion,
        }
      : {}),
    // only a module has a use for what the person is in the organization
    ...(organization && modules.length > 0 ? { roles: [roleNameOf(organization)] } : {}),
    // RFC 9068 §2.2.3.1 names three claims for what is allowed apart from the delegation, which `scope` tells: groups,
    // roles, entitlements. What a role permits in one module is none of the former two, which hold everywhere.
    ...(entitlements.length === 0 ? {} : { entitlements }),
    // RFC 8693 §4.4
    ...(client.mayAct === null ? {} : { may_act: { client_id: client.mayAct } }),
    modules: modules.map((module) => module.key),
  };
}
