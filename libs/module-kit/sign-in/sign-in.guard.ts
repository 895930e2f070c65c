import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { randomBytes } from 'node:crypto';
import type { KitReply } from '../http/http-types.js';
import { readText } from '../http/http-types.js';
import { localPath } from '../http/return-to.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import type { ModuleSession } from '../session/module-session.js';
import { strategyName } from './core-auth.strategy.js';
import { PassportRedirect } from './passport-redirect.js';
import { SignInError, type SignInRequest } from './sign-in-request.js';

/** What passport calls on a response when it redirects. */
interface RedirectingResponse {
  statusCode: number;
  setHeader(name: string, value: string): void;
  end(): void;
}

/**
 * Runs passport on Fastify. passport redirects by `statusCode`, `setHeader` and `end` of Node's response, which would
 * lose what Fastify has put on its reply; so it gets a stand-in, whose `end` becomes a `PassportRedirect`.
 */
@Injectable()
export class SignInGuard extends AuthGuard() {
  private readonly responses = new WeakMap<object, RedirectingResponse>();

  constructor(@Inject(MODULE_KIT_OPTIONS) options: ResolvedOptions) {
    super({ defaultStrategy: strategyName(options) });
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<SignInRequest>();
    const reply = context.switchToHttp().getResponse<KitReply>();
    request.signIn = {
      cookies: [],
      returnTo: localPath(readText(request.query, 'return_to')),
      nonce: randomBytes(24).toString('base64url'),
    };
    const redirected = new Promise<never>((_, reject) => {
      let location = '';
      const response: RedirectingResponse = {
        statusCode: 302,
        setHeader: (name, value) => {
          if (name.toLowerCase() === 'location') location = value;
        },
        // RFC 9700 section 4.12: 303 is the redirect that never repeats a body.
        end: () => reject(new PassportRedirect(location, 303)),
      };
      this.responses.set(request, response);
    });
    try {
      return await Promise.race([super.canActivate(context) as Promise<boolean>, redirected]);
    } finally {
      for (const cookie of request.signIn.cookies) reply.header('set-cookie', cookie);
      reply.header('cache-control', 'no-store');
    }
  }

  /** Called by the base class, whose type does not tell. */
  getResponse(context: ExecutionContext): unknown {
    return this.responses.get(context.switchToHttp().getRequest<object>());
  }

  override getAuthenticateOptions(context: ExecutionContext): { session: false; nonce: string | undefined } {
    const request = context.switchToHttp().getRequest<SignInRequest>();
    return { session: false, nonce: request.signIn?.nonce };
  }

  override handleRequest<TUser = ModuleSession>(error: unknown, user: TUser | false): TUser {
    // passport-oauth2 wraps what the token request threw.
    const cause = (error as { oauthError?: unknown } | null)?.oauthError ?? error;
    if (cause) throw cause instanceof Error ? cause : new SignInError('server_error', true);
    // passport fails without an error for one reason here: no attempt of this browser has that state.
    if (!user) throw new SignInError('unknown_state', true);
    return user;
  }
}
