import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { AdministratorRepository, type Administrator } from '#accounts';
import type { Actor } from '#observability';
import { API_ROUTE, PublicError } from '#platform';
import { mayAdminister, type LicensingAction } from './authority.js';

/** What this room needs to know of a live token. */
interface Bearer {
  readonly claims: { readonly sub: string; readonly client_id: string; readonly organization_id?: string };
  readonly person: { readonly userId: string; readonly amr: readonly string[] } | undefined;
  /** Of a machine's token: whether all its clients are the suite's own, and act for no organization. */
  readonly trusted?: boolean;
}

/** Whose licenses a caller may do this with. */
export interface Reach {
  /** Who it is, a person or a machine, and by which application. */
  readonly actor: Actor;
  /** The one organization; null for an operator, who reaches all of them. */
  readonly organizationId: string | null;
}

/** What a caller may do is looked up at each request: a token says nothing about it. */
@Injectable()
export class AuthorityGuard implements CanActivate {
  constructor(private readonly administrators: AdministratorRepository) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = Reflect.getMetadata(API_ROUTE, context.getHandler()) as {
      action: LicensingAction;
    };
    const request = context.switchToHttp().getRequest<{ ip: string; token: Bearer; reach?: Reach }>();
    const { claims, person, trusted = false } = request.token;
    const administrator: Administrator = person
      ? await this.administrators.find(person.userId)
      : { operator: trusted, roles: new Map() };
    const actor: Actor = {
      id: person?.userId ?? claims.sub,
      address: request.ip,
      factor: person ? person.amr.join(' ') : null,
      client: claims.client_id,
    };
    const own = claims.organization_id ?? null;
    // a role counts in the organization that the token was issued for, and in no other
    if (mayAdminister(route.action, administrator, null)) request.reach = { actor, organizationId: null };
    else if (own !== null && mayAdminister(route.action, administrator, own)) {
      request.reach = { actor, organizationId: own };
    } else {
      throw new PublicError(
        403,
        'access_denied',
        'You may not do this. Ask an operator, or an owner of your organization.',
        { reason: `${actor.id} may not ${route.action}` },
      );
    }
    return true;
  }
}
