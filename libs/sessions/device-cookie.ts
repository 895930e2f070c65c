import type { CookieSerializeOptions } from '@fastify/cookie';
import { Injectable } from '@nestjs/common';
import { Configuration, isSecret } from '#platform';

interface WithCookies {
  readonly cookies: Readonly<Record<string, string | undefined>>;
}

interface SetsCookies {
  setCookie(name: string, value: string, options: CookieSerializeOptions): unknown;
}

const SEPARATOR = '.';
/** Of one browser; who was there longest ago is forgotten first. */
const MOST_ACCOUNTS = 5;

/** After so long without a sign-in a device is unknown again. */
export const DEVICE_SECONDS = 180 * 86_400;

/**
 * The cookie by which a browser is known to the accounts that signed in from it: a secret for each, which says nothing
 * about whose it is and signs nobody in. It outlives sessions; prefix and Secure are as those of the session's cookie.
 */
@Injectable()
export class DeviceCookie {
  private readonly secure: boolean;
  private readonly name: string;

  constructor(configuration: Configuration) {
    this.secure = configuration.secureCookies;
    this.name = this.secure ? '__Host-core_auth_devices' : 'core_auth_devices';
  }

  /** The secrets that the browser has, the last used first; whatever else its cookie holds is not looked at. */
  read(request: WithCookies): string[] {
    const secrets = (request.cookies[this.name] ?? '').split(SEPARATOR, MOST_ACCOUNTS);
    return secrets.filter(isSecret);
  }

  /** Keeps this secret beside those that the browser has. */
  set(request: WithCookies, reply: SetsCookies, secret: string): void {
    const others = this.read(request).filter((other) => other !== secret);
    reply.setCookie(this.name, [secret, ...others].slice(0, MOST_ACCOUNTS).join(SEPARATOR), {
      httpOnly: true,
      secure: this.secure,
      sameSite: 'lax',
      path: '/',
      maxAge: DEVICE_SECONDS,
    });
  }
}
