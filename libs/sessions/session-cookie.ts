import type { CookieSerializeOptions } from '@fastify/cookie';
import { Injectable } from '@nestjs/common';
import { Configuration, isSecret } from '#platform';

interface WithCookies {
  readonly cookies: Readonly<Record<string, string | undefined>>;
}

interface SetsCookies {
  setCookie(name: string, value: string, options: CookieSerializeOptions): unknown;
}

/**
 * A cookie that carries a secret. By https it is `__Host-` prefixed and Secure (RFC 6265bis §4.1.3.2); by plain http,
 * in development, it is neither, since WebKit keeps no Secure cookie there.
 */
class SecretCookie {
  private readonly secure: boolean;
  private readonly name: string;

  /** @param maxAge seconds; as long as the browser is open unless told */
  constructor(
    configuration: Configuration,
    name: string,
    private readonly maxAge?: number,
  ) {
    this.secure = configuration.secureCookies;
    this.name = this.secure ? `__Host-${name}` : name;
  }

  read(request: WithCookies): string | undefined {
    const value = request.cookies[this.name];
    return isSecret(value) ? value : undefined;
  }

  set(reply: SetsCookies, secret: string): void {
    const { maxAge } = this;
    reply.setCookie(this.name, secret, { ...this.attributes(), ...(maxAge === undefined ? {} : { maxAge }) });
  }

  clear(reply: SetsCookies): void {
    reply.setCookie(this.name, '', { ...this.attributes(), maxAge: 0 });
  }

  private attributes() {
    return { httpOnly: true, secure: this.secure, sameSite: 'lax', path: '/' } as const;
  }
}

/** The secret of a session. */
@Injectable()
export class SessionCookie extends SecretCookie {
  constructor(configuration: Configuration) {
    super(configuration, 'core_auth_session');
  }
}

export const PENDING_SECONDS = 600;

/** The secret of a sign-in that waits for the second factor; it opens nothing else. */
@Injectable()
export class PendingSignInCookie extends SecretCookie {
  constructor(configuration: Configuration) {
    super(configuration, 'core_auth_pending', PENDING_SECONDS);
  }
}
