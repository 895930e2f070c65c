import { Controller, Inject, Logger, Post, Req, Res } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { KitClock } from '../clock.js';
import { Revocations } from '../events/revocations.js';
import { Public } from '../guards/decorators.js';
import { readText, type KitReply, type KitRequest } from '../http/http-types.js';
import { SeatLeases } from '../leases/seat-leases.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import { KeySet } from '../tokens/key-set.js';
import { InvalidLogoutTokenError, verifyLogoutToken, type LogoutClaims } from './logout-token.js';

/** Core Auth says that a session has ended (OpenID Connect Back-Channel Logout 1.0 section 2.5). */
@Controller('auth/back-channel-logout')
export class BackChannelLogoutController {
  private readonly logger = new Logger('BackChannelLogout');
  private readonly seen = new LRUCache<string, true>({ max: 10_000 });

  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(KeySet) private readonly keys: KeySet,
    @Inject(Revocations) private readonly revocations: Revocations,
    @Inject(SeatLeases) private readonly leases: SeatLeases,
    @Inject(KitClock) private readonly clock: KitClock,
  ) {}

  /** Section 2.8: 200 when the sessions have ended, 400 otherwise; never cached. */
  @Post()
  @Public()
  async receive(@Req() request: KitRequest, @Res() reply: KitReply): Promise<void> {
    reply.header('cache-control', 'no-store');
    try {
      this.end(await this.verify(readText(request.body, 'logout_token')));
      reply.code(200);
      reply.send('');
    } catch (error) {
      if (!(error instanceof InvalidLogoutTokenError)) throw error;
      this.logger.warn(error.message);
      reply.code(400);
      reply.header('content-type', 'application/json; charset=utf-8');
      reply.send(
        JSON.stringify({ error: 'invalid_request', error_description: 'The logout token is not valid' }),
      );
    }
  }

  private async verify(token: string | undefined): Promise<LogoutClaims> {
    if (token === undefined) throw new InvalidLogoutTokenError('absent');
    const claims = await verifyLogoutToken(token, this.keys.find, {
      issuer: this.options.coreAuthUrl,
      clientId: this.options.clientId,
      now: new Date(this.clock.now()),
    });
    if (this.seen.has(claims.jti)) throw new InvalidLogoutTokenError('replayed');
    this.seen.set(claims.jti, true);
    return claims;
  }

  private end(claims: LogoutClaims): void {
    const occurredAt = this.clock.now();
    if (claims.sid !== undefined) {
      this.revocations.apply({
        kind: 'session-ended',
        subject: claims.sid,
        organizationId: undefined,
        occurredAt,
      });
      void this.leases.endSession(claims.sid);
    } else if (claims.sub !== undefined) {
      // Without a sid: every session the person has here now, none that begins later.
      this.revocations.apply({
        kind: 'user-disabled',
        subject: claims.sub,
        organizationId: undefined,
        occurredAt: claims.iat * 1000,
      });
      void this.leases.endUser(claims.sub);
    }
  }
}
