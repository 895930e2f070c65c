import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { KitClock } from '../clock.js';
import type { KitReply, KitRequest } from '../http/http-types.js';
import { checkUnavailable, ProblemException } from '../http/problem.exception.js';
import { SnapshotCache } from '../licenses/snapshot-cache.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import { isDue, type ModuleSession } from '../session/module-session.js';
import { mayChange } from '../session/same-origin.js';
import { SessionCookie } from '../session/session-cookie.js';
import { SessionRefresher } from '../session/session-refresher.js';
import { InvalidTokenError, principalOf, type AccessTokenClaims } from '../tokens/access-token.js';
import { OutdatedTokenError, TokenVerifier } from '../tokens/token-verifier.js';
import type { Principal } from './principal.js';
import { SignInRequired } from './sign-in-required.js';

/** A browser's credential: opens the session cookie, renews its tokens when due, and says who it is. */
@Injectable()
export class SessionGate {
  /** Renewals for a newer license version that have been tried, so that one that brings nothing is not repeated. */
  private readonly tried = new LRUCache<string, true>({ max: 10_000 });

  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SessionCookie) private readonly cookie: SessionCookie,
    @Inject(SessionRefresher) private readonly refresher: SessionRefresher,
    @Inject(TokenVerifier) private readonly verifier: TokenVerifier,
    @Inject(SnapshotCache) private readonly snapshots: SnapshotCache,
    @Inject(KitClock) private readonly clock: KitClock,
  ) {}

  /** Throws `SignInRequired` without a live session, 403 on a request forged from elsewhere, 503 when it cannot tell. */
  async authenticate(request: KitRequest, reply: KitReply): Promise<Principal> {
    if (!mayChange(request.method, request.headers, this.options.moduleUrl)) {
      throw new ProblemException(
        403,
        'CROSS_ORIGIN',
        'Not from here',
        'This request came from another site.',
      );
    }
    const found = await this.cookie.read(request.headers.cookie);
    if (!found) throw new SignInRequired(false);
    const { session, claims } = await this.live(found);
    if (session !== found) reply.header('set-cookie', await this.cookie.write(session));
    // A page made for one person must not come out of a cache for another.
    reply.header('cache-control', 'no-store');
    return this.enter(request, session, claims);
  }

  /**
   * Renews the access token in the middle of a request: when another module's API has refused it. Throws
   * `SignInRequired` when the session has ended, 503 when Core Auth does not answer.
   */
  async renewNow(request: KitRequest, reply: KitReply): Promise<Principal> {
    const former = request.moduleSession;
    if (!former) throw new SignInRequired(false);
    const session = await this.renew(former);
    const claims = await this.verify(session);
    if (claims === 'outdated') throw new SignInRequired(true);
    reply.header('set-cookie', await this.cookie.write(session));
    return this.enter(request, session, claims);
  }

  private enter(request: KitRequest, session: ModuleSession, claims: AccessTokenClaims): Principal {
    request.moduleSession = session;
    request.principal = withNames(principalOf(claims, session.accessToken), session);
    return request.principal;
  }

  private async live(found: ModuleSession): Promise<{ session: ModuleSession; claims: AccessTokenClaims }> {
    let session = await this.renewIfDue(found);
    let claims = await this.verify(session);
    if (claims === 'outdated') {
      session = await this.renew(session);
      claims = await this.verify(session);
      if (claims === 'outdated') throw new SignInRequired(true);
    }
    const newer = this.newerLicenses(claims);
    if (newer === undefined || this.tried.has(newer)) return { session, claims };
    this.tried.set(newer, true);
    const outcome = await this.refresher.refresh(session);
    if (outcome.state === 'ended') throw new SignInRequired(true);
    // Refused or no answer: the token at hand still stands, and the license is decided elsewhere.
    if (outcome.state !== 'refreshed') return { session, claims };
    const renewed = await this.verify(outcome.session);
    return renewed === 'outdated' ? { session, claims } : { session: outcome.session, claims: renewed };
  }

  private async renewIfDue(session: ModuleSession): Promise<ModuleSession> {
    const now = this.clock.now();
    if (!isDue(session, now)) return session;
    const outcome = await this.refresher.refresh(session);
    if (outcome.state === 'refreshed') return outcome.session;
    const usable = now / 1000 < session.expiresAt;
    if (usable && session.refreshToken === undefined) return session;
    if (outcome.state === 'ended') throw new SignInRequired(true);
    if (usable) return session;
    if (outcome.state === 'unavailable') throw checkUnavailable();
    throw new SignInRequired(true);
  }

  private async renew(session: ModuleSession): Promise<ModuleSession> {
    const outcome = await this.refresher.refresh(session);
    if (outcome.state === 'refreshed') return outcome.session;
    if (outcome.state === 'unavailable') throw checkUnavailable();
    throw new SignInRequired(true);
  }

  private async verify(session: ModuleSession): Promise<AccessTokenClaims | 'outdated'> {
    try {
      return await this.verifier.verify(session.accessToken);
    } catch (error) {
      if (error instanceof OutdatedTokenError) return 'outdated';
      if (error instanceof InvalidTokenError) throw new SignInRequired(true);
      throw error;
    }
  }

  /** Names the renewal that is worth trying: this session's, for a license version that its token does not know. */
  private newerLicenses(claims: AccessTokenClaims): string | undefined {
    if (claims.organization_id === undefined || claims.license_version === undefined) return undefined;
    const known = this.snapshots.knownVersion(claims.organization_id);
    if (known === undefined || known <= claims.license_version) return undefined;
    return `${claims.authorization_id ?? claims.jti} ${known}`;
  }
}

/** The names that only the ID token carried. */
function withNames(principal: Principal, session: ModuleSession): Principal {
  if (principal.user) {
    if (session.name !== undefined) principal.user.name = session.name;
    if (session.email !== undefined) principal.user.email = session.email;
  }
  if (principal.organization && session.organizationName !== undefined) {
    principal.organization.name = session.organizationName;
  }
  return principal;
}
