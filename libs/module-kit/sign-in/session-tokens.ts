import { Inject, Injectable } from '@nestjs/common';
import { KitClock } from '../clock.js';
import type { TokenResponse } from '../http/core-auth.client.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import type { ModuleSession } from '../session/module-session.js';
import { KeySet } from '../tokens/key-set.js';
import { InvalidIdTokenError, verifyIdToken, type IdTokenClaims } from './id-token.js';

/** Makes a module session of a token response, once the ID token in it has been verified. */
@Injectable()
export class SessionTokens {
  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(KeySet) private readonly keys: KeySet,
    @Inject(KitClock) private readonly clock: KitClock,
  ) {}

  /** After the code exchange. Throws `InvalidIdTokenError`. */
  async begin(answer: TokenResponse, nonce: string): Promise<ModuleSession> {
    if (answer.id_token === undefined) throw new InvalidIdTokenError('absent');
    const claims = await this.verify(answer.id_token, answer.access_token, nonce);
    return this.build(answer, claims, answer.id_token);
  }

  /** After a refresh: the person stays the same (OpenID Connect Core 1.0 section 12.2). */
  async renew(session: ModuleSession, answer: TokenResponse): Promise<ModuleSession> {
    if (answer.id_token === undefined) {
      const kept: IdTokenClaims = { sub: session.subject };
      if (session.sessionId !== undefined) kept.sid = session.sessionId;
      if (session.name !== undefined) kept.name = session.name;
      if (session.email !== undefined) kept.email = session.email;
      if (session.organizationName !== undefined) kept.organizationName = session.organizationName;
      return this.build(answer, kept, session.idToken);
    }
    const claims = await this.verify(answer.id_token, answer.access_token);
    if (claims.sub !== session.subject) throw new InvalidIdTokenError('another subject');
    return this.build(answer, claims, answer.id_token);
  }

  private verify(idToken: string, accessToken: string, nonce?: string): Promise<IdTokenClaims> {
    return verifyIdToken(idToken, this.keys.find, {
      issuer: this.options.coreAuthUrl,
      clientId: this.options.clientId,
      accessToken,
      now: new Date(this.clock.now()),
      ...(nonce === undefined ? {} : { nonce }),
    });
  }

  private build(answer: TokenResponse, claims: IdTokenClaims, idToken: string | undefined): ModuleSession {
    const issuedAt = Math.floor(this.clock.now() / 1000);
    const session: ModuleSession = {
      accessToken: answer.access_token,
      issuedAt,
      expiresAt: issuedAt + answer.expires_in,
      subject: claims.sub,
    };
    if (answer.refresh_token !== undefined) session.refreshToken = answer.refresh_token;
    if (idToken !== undefined) session.idToken = idToken;
    if (claims.sid !== undefined) session.sessionId = claims.sid;
    if (claims.name !== undefined) session.name = claims.name;
    if (claims.email !== undefined) session.email = claims.email;
    if (claims.organizationName !== undefined) session.organizationName = claims.organizationName;
    return session;
  }
}
