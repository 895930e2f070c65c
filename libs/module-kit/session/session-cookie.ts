import { Inject, Injectable } from '@nestjs/common';
import { cookieName, parseCookies, serializeCookie } from '../http/cookies.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import { packSession, unpackSession, type ModuleSession } from './module-session.js';
import { SealedValue } from './sealed-value.js';

/** Browsers keep a cookie of at most 4096 bytes, name and attributes included. */
const LARGEST_COOKIE = 4096;

/** Seals a module's session into its one cookie, and opens it. */
@Injectable()
export class SessionCookie {
  private readonly sealed: SealedValue;
  private readonly name: string;

  constructor(@Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions) {
    this.sealed = new SealedValue(
      options.clientSecret,
      `session of ${options.clientId} at ${options.moduleUrl}`,
    );
    this.name = cookieName(`${options.clientId}_session`, options.secure);
  }

  async read(cookieHeader: string | undefined): Promise<ModuleSession | undefined> {
    const value = parseCookies(cookieHeader).get(this.name);
    return value ? unpackSession(await this.sealed.open(value)) : undefined;
  }

  /** The `Set-Cookie` of this session, without the ID token where it does not fit. */
  async write(session: ModuleSession): Promise<string> {
    const whole = await this.serialize(session);
    if (whole.length <= LARGEST_COOKIE) return whole;
    const rest = { ...session };
    delete rest.idToken;
    const smaller = await this.serialize(rest);
    if (smaller.length <= LARGEST_COOKIE) return smaller;
    throw new Error('The session does not fit into a cookie: its access token is too large');
  }

  /** The `Set-Cookie` that removes the session. */
  clear(): string {
    return serializeCookie(this.name, '', { secure: this.options.secure, maxAge: 0 });
  }

  private async serialize(session: ModuleSession): Promise<string> {
    const value = await this.sealed.seal(packSession(session));
    return serializeCookie(this.name, value, { secure: this.options.secure });
  }
}
