import { Injectable } from '@nestjs/common';
import {
  Authorize,
  AUTHORIZATION_PATH,
  AuthorizationError,
  ModuleDirectory,
  type AuthorizationRequest,
} from '#oauth';
import { parseForm, PublicError, type FormFields } from '#platform';

const LAUNCHER = '/';
const MAX_LENGTH = 8192;
/** Statuses that ask to try again. */
const PASSING = new Set([429, 503]);
/** Only used to resolve paths; never contacted. */
const HERE = 'http://here.invalid';

/** Where a page leads next. Only this server and the suite's modules are possible: never an open redirector. */
@Injectable()
export class ReturnAddress {
  constructor(
    private readonly authorize: Authorize,
    private readonly modules: ModuleDirectory,
  ) {}

  /** `text` when it is a path here or an address of a module, otherwise the launcher. */
  async safe(text: unknown): Promise<string> {
    if (typeof text !== 'string' || text.length > MAX_LENGTH) return LAUNCHER;
    if (text.startsWith('/')) return localPath(text) ?? LAUNCHER;
    if (!URL.canParse(text)) return LAUNCHER;
    const url = new URL(text);
    const modules = [...(await this.modules.all()).values()];
    const known = modules.some(({ baseUrl }) => new URL(baseUrl).origin === url.origin);
    return known && url.username === '' && url.password === '' ? url.href : LAUNCHER;
  }

  /**
   * The authorization request that an address resumes, when it is one that still stands.
   * @throws PublicError 429 or 503 when that cannot be told at the moment
   */
  async authorizationRequest(address: string): Promise<AuthorizationRequest | undefined> {
    const read = await this.read(address);
    return read instanceof AuthorizationError ? undefined : read;
  }

  private async read(address: string): Promise<AuthorizationRequest | AuthorizationError | undefined> {
    if (!address.startsWith(`${AUTHORIZATION_PATH}?`)) return undefined;
    try {
      return await this.authorize.read(resumed(address));
    } catch (error) {
      if (error instanceof AuthorizationError) return error;
      // what passes by waiting is no reason to give the request up
      if (error instanceof PublicError && !PASSING.has(error.status)) return undefined;
      throw error;
    }
  }

  /** Origins that a form whose answer redirects to `address` must be allowed to reach. */
  async formTargets(address: string): Promise<string[]> {
    if (!address.startsWith('/')) return [address];
    const read = await this.read(address);
    if (!read) return [];
    // a request that is wrong is answered there too
    return [read instanceof AuthorizationError ? read.returnAddress.redirectUri : read.redirectUri];
  }
}

function localPath(text: string): string | undefined {
  // a browser reads "\" as "/", so that "/\host" would leave this server; control characters are dropped by it
  if (/[\\\p{Cc}]/u.test(text) || !URL.canParse(text, HERE)) return undefined;
  const url = new URL(text, HERE);
  // dots are resolved by now: "/.//host" has become "//host", which names another server
  if (url.origin !== HERE || url.pathname.startsWith('//')) return undefined;
  return `${url.pathname}${url.search}`;
}

/** The fields of the authorization request that an address resumes. */
export function resumed(address: string): FormFields {
  return parseForm(address.slice(AUTHORIZATION_PATH.length + 1));
}
