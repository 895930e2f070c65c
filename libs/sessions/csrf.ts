import { createHmac } from 'node:crypto';
import type { CookieSerializeOptions } from '@fastify/cookie';
import { Injectable } from '@nestjs/common';
import { Configuration, equalInConstantTime, isSecret, PublicError, randomSecret, sha256 } from '#platform';
import { KeyRing } from '#tokens';

interface Request {
  readonly cookies: Readonly<Record<string, string | undefined>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface SetsCookies {
  setCookie(name: string, value: string, options: CookieSerializeOptions): unknown;
}

/**
 * Every form carries a MAC of a random cookie of the browser that asked for it: another site can neither read the one
 * nor set the other. It holds before anybody is signed in too, so that nobody is signed in as somebody else.
 */
@Injectable()
export class Csrf {
  private readonly cookie: string;

  constructor(
    private readonly keys: KeyRing,
    private readonly configuration: Configuration,
  ) {
    this.cookie = configuration.secureCookies ? '__Host-core_auth_csrf' : 'core_auth_csrf';
  }

  /** The token for a form that is about to be shown; gives the browser its cookie when it has none. */
  token(request: Request, reply: SetsCookies): string {
    let secret = request.cookies[this.cookie];
    if (!isSecret(secret)) {
      secret = randomSecret();
      reply.setCookie(this.cookie, secret, {
        httpOnly: true,
        secure: this.configuration.secureCookies,
        sameSite: 'lax',
        path: '/',
      });
    }
    return this.macOf(secret, this.keys.macKey().kid) ?? '';
  }

  /** What tells this browser from others: a digest of the cookie that came with its first form. */
  browserOf(request: Request): Buffer | undefined {
    const secret = request.cookies[this.cookie];
    return isSecret(secret) ? sha256(`browser|${secret}`) : undefined;
  }

  /** @throws PublicError 403 when the form was not shown to this browser by this server */
  check(request: Request, token: unknown): void {
    const foreign = isForeign(request);
    const secret = request.cookies[this.cookie];
    const [kid, mac] = typeof token === 'string' ? token.split('.') : [];
    const expected = secret && kid && mac ? this.macOf(secret, kid) : undefined;
    if (
      foreign ||
      expected === undefined ||
      !equalInConstantTime(Buffer.from(expected), Buffer.from(`${kid}.${mac}`))
    ) {
      throw new PublicError(
        403,
        'form_expired',
        'This form has expired. Go back, reload the page and try again.',
      );
    }
  }

  /** Whether the form was shown to this browser by this server. */
  holds(request: Request, token: unknown): boolean {
    try {
      this.check(request, token);
      return true;
    } catch {
      return false;
    }
  }

  private macOf(secret: string, kid: string): string | undefined {
    const key = this.keys.macKeyById(kid);
    return key && `${kid}.${createHmac('sha256', key.secret).update(`csrf|${secret}`).digest('base64url')}`;
  }
}

/**
 * Whether a browser says that another site's page sent the form. Of our own pages it tells no origin in a form
 * (`null`), since they send no referrer (Fetch §3.2, "append a request `Origin` header").
 */
function isForeign({ headers }: Request): boolean {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (site === 'cross-site' || site === 'same-site') return true;
  if (typeof origin !== 'string' || origin === 'null') return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}
