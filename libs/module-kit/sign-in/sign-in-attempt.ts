import { createHash, randomBytes } from 'node:crypto';
import { cookieName, parseCookies, serializeCookie } from '../http/cookies.js';
import type { KitRequest } from '../http/http-types.js';
import { SealedValue } from '../session/sealed-value.js';

/** One sign-in that has begun in one browser tab. */
export interface SignInAttempt {
  state: string;
  codeVerifier: string;
  nonce: string;
  returnTo: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** How long a person may take at Core Auth. */
const LIFETIME_SECONDS = 15 * 60;
/** Tabs signing in at once; a further one pushes out the oldest. */
const MOST_ATTEMPTS = 6;

/**
 * Keeps sign-ins in the browser that began them, a cookie for each state value, so that a response can be answered
 * in that browser only (RFC 9700 section 4.7) and tabs do not disturb each other.
 */
export class SignInAttempts {
  private readonly sealed: SealedValue;
  private readonly prefix: string;

  constructor(
    secret: string,
    clientId: string,
    private readonly secure: boolean,
  ) {
    this.sealed = new SealedValue(secret, `sign-in attempt of ${clientId}`);
    this.prefix = cookieName(`${clientId}_sign_in.`, secure);
  }

  /** The new attempt's cookie, and those that remove what is too much. */
  async begin(
    request: KitRequest,
    given: { codeVerifier: string; nonce: string; returnTo: string },
    now: number,
  ): Promise<{ attempt: SignInAttempt; cookies: string[] }> {
    const attempt: SignInAttempt = {
      ...given,
      state: randomBytes(24).toString('base64url'),
      startedAt: now,
    };
    const name = `${this.prefix}${now.toString(36).padStart(9, '0')}.${shortHash(attempt.state)}`;
    const value = await this.sealed.seal(attempt);
    const older = this.names(request);
    const surplus = older.slice(0, Math.max(0, older.length - (MOST_ATTEMPTS - 1)));
    const cookies = surplus.map((each) => this.remove(each));
    cookies.push(serializeCookie(name, value, { secure: this.secure, maxAge: LIFETIME_SECONDS }));
    return { attempt, cookies };
  }

  /** This browser's attempt with that state, and the cookie that ends it; undefined when there is none. */
  async take(
    request: KitRequest,
    state: string,
    now: number,
  ): Promise<{ attempt: SignInAttempt; cookies: string[] } | undefined> {
    const name = this.names(request).find((each) => each.endsWith(`.${shortHash(state)}`));
    if (name === undefined) return undefined;
    const value = parseCookies(request.headers.cookie).get(name) ?? '';
    const attempt = readAttempt(await this.sealed.open(value));
    if (!attempt || attempt.state !== state) return undefined;
    if (now - attempt.startedAt > LIFETIME_SECONDS * 1000) return undefined;
    return { attempt, cookies: [this.remove(name)] };
  }

  /** Oldest first: a name begins with the time. */
  private names(request: KitRequest): string[] {
    return [...parseCookies(request.headers.cookie).keys()]
      .filter((name) => name.startsWith(this.prefix))
      .sort();
  }

  private remove(name: string): string {
    return serializeCookie(name, '', { secure: this.secure, maxAge: 0 });
  }
}

function shortHash(state: string): string {
  return createHash('sha256').update(state).digest('base64url').slice(0, 12);
}

function readAttempt(value: unknown): SignInAttempt | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { state, codeVerifier, nonce, returnTo, startedAt } = value as Record<string, unknown>;
  const whole =
    typeof state === 'string' &&
    typeof codeVerifier === 'string' &&
    typeof nonce === 'string' &&
    typeof returnTo === 'string' &&
    typeof startedAt === 'number';
  return whole ? { state, codeVerifier, nonce, returnTo, startedAt } : undefined;
}
