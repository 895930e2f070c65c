import { Inject, Injectable } from '@nestjs/common';
import passport from 'passport';
import OAuth2Strategy from 'passport-oauth2';
import { KitClock } from '../clock.js';
import { CoreAuthClient } from '../http/core-auth.client.js';
import { readText } from '../http/http-types.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import type { ModuleSession } from '../session/module-session.js';
import { OAuthStateStore } from './oauth-state.store.js';
import { SessionTokens } from './session-tokens.js';
import { SignInAttempts } from './sign-in-attempt.js';
import { SignInError, type SignInRequest } from './sign-in-request.js';

type ExpressRequest = Parameters<OAuth2Strategy['authenticate']>[0];
type Exchange = (
  code: string,
  parameters: { code_verifier?: string },
  done: (error: unknown, accessToken?: string, refreshToken?: string, results?: unknown) => void,
) => void;
type Done = (error: unknown, user?: ModuleSession | false) => void;

/** passport keeps strategies by name in one list per process: two modules in one process need two names. */
export function strategyName(options: ResolvedOptions): string {
  return `core-auth ${options.clientId} ${options.moduleUrl}`;
}

/** The redirect URI registered for the client. */
function callbackUrl(options: ResolvedOptions): string {
  return `${options.moduleUrl}/auth/callback`;
}

/** Sign-in with Core Auth by authorization code, PKCE (S256), state, nonce and issuer. */
@Injectable()
export class CoreAuthStrategy extends OAuth2Strategy {
  private readonly issuer: string;

  constructor(
    @Inject(MODULE_KIT_OPTIONS) options: ResolvedOptions,
    @Inject(CoreAuthClient) client: CoreAuthClient,
    @Inject(SessionTokens) tokens: SessionTokens,
    @Inject(KitClock) clock: KitClock,
  ) {
    const attempts = new SignInAttempts(options.clientSecret, options.clientId, options.secure);
    const redirectUri = callbackUrl(options);
    super(
      {
        authorizationURL: `${options.coreAuthUrl}/oauth2/authorize`,
        tokenURL: `${options.coreAuthInternalUrl}/oauth2/token`,
        clientID: options.clientId,
        clientSecret: options.clientSecret,
        callbackURL: redirectUri,
        scope: [...options.scopes],
        pkce: true,
        state: true,
        store: new OAuthStateStore(attempts, clock) as unknown as OAuth2Strategy.StateStore,
        passReqToCallback: true,
        skipUserProfile: true,
      },
      (
        request: unknown,
        accessToken: string,
        refreshToken: string | undefined,
        results: unknown,
        _profile: unknown,
        done: Done,
      ) => {
        const nonce = (request as SignInRequest).signIn?.nonce ?? '';
        const answer = { ...(results as { expires_in: number; token_type: string; id_token?: string }) };
        tokens
          .begin(
            {
              ...answer,
              access_token: accessToken,
              ...(refreshToken ? { refresh_token: refreshToken } : {}),
            },
            nonce,
          )
          .then((session) => done(null, session), done);
      },
    );
    this.issuer = options.coreAuthUrl;
    this.exchangeThrough(client, redirectUri);
    passport.use(strategyName(options), this);
  }

  override authenticate(request: ExpressRequest, options?: unknown): void {
    const query = (request as { query?: unknown }).query;
    const answered = readAny(query, 'code') || readAny(query, 'error');
    // RFC 9207 section 2.4: an answer of another issuer must not be used, an error of its neither.
    if (answered && readText(query, 'iss') !== this.issuer) {
      this.error(new SignInError('issuer_mismatch', true));
      return;
    }
    const error = readText(query, 'error');
    if (error !== undefined) {
      this.error(new SignInError(error, error !== 'invalid_scope' && error !== 'unauthorized_client'));
      return;
    }
    if (answered && readText(query, 'code') === undefined) {
      this.error(new SignInError('invalid_response', true));
      return;
    }
    super.authenticate(request, options);
  }

  /** OpenID Connect Core 1.0 section 3.1.2.1: the nonce goes out with the request. */
  override authorizationParams(options: { nonce: string }): object {
    return { nonce: options.nonce };
  }

  /** passport-oauth2's own request has no time limit and puts the secret into the body; ours has one and uses Basic. */
  private exchangeThrough(client: CoreAuthClient, redirectUri: string): void {
    const exchange: Exchange = (code, parameters, done) => {
      client.exchangeCode(code, parameters.code_verifier ?? '', redirectUri).then(
        (answer) => done(null, answer.access_token, answer.refresh_token, answer),
        (error: unknown) => done(error),
      );
    };
    this._oauth2.getOAuthAccessToken = exchange as typeof this._oauth2.getOAuthAccessToken;
  }
}

function readAny(query: unknown, name: string): boolean {
  return typeof query === 'object' && query !== null && name in query;
}
