import type { CookieSerializeOptions } from '@fastify/cookie';
import { Injectable } from '@nestjs/common';
import { Configuration } from '#platform';

interface WithCookies {
  readonly cookies: Readonly<Record<string, string | undefined>>;
}

interface SetsCookies {
  setCookie(name: string, value: string, options: CookieSerializeOptions): unknown;
}

/** A secret is 256 bits of base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/**
 * The cookie that carries a session's secret. By https it is `__Host-` prefixed and Secure (RFC 6265bis §4.1.3.2);
 * by plain http, in development, it is neither, since WebKit keeps no Secure cookie there.
 */
@Injectable()
export class SessionCookie {
  private readonly secure: boolean;
  private readonly name: string;

  constructor(configuration: Configuration) {
    this.secure = configuration.secureCookies;
    this.name = this.secure ? '__Host-core_auth_session' : 'core_auth_session';
  }

  read(request: WithCookies): string | undefined {
    const value = request.cookies[this.name];
    return value !== undefined && SECRET.test(value) ? value : undefined;
  }

  set(reply: SetsCookies, secret: string): void {
    reply.setCookie(this.name, secret, this.attributes());
  }

  clear(reply: SetsCookies): void {
    reply.setCookie(this.name, '', { ...this.attributes(), maxAge: 0 });
  }

  private attributes() {
    return { httpOnly: true, secure: this.secure, sameSite: 'lax', path: '/' } as const;
  }
}
