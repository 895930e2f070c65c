import { randomSecret, sha256 } from '#platform';
import type { HttpProbe, ProbeRequest, ProbeResponse } from './http-probe.js';
import { probeAddresses } from './probe-address.js';
import { hiddenFields, locationOf, ProbeBrowser } from './probe-browser.js';
import { PROBE_REDIRECT_URI, PROBE_SCOPES, type Identity } from './probe-identity.js';

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

type BrowserDefaults = Pick<ProbeRequest, 'from' | 'headers'>;

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The protocol as the probe's clients speak it, against the public address of the server. */
export class ProbeFlows {
  private readonly from: string | undefined;

  constructor(
    private readonly http: HttpProbe,
    readonly issuer: string,
    readonly identity: Identity,
    private readonly signal: AbortSignal,
  ) {
    // limits count by address: one of its own takes nothing from anybody's
    this.from = probeAddresses(issuer, 1)?.[0];
  }

  browser(options: BrowserDefaults = {}): ProbeBrowser {
    return new ProbeBrowser(this.http, { ...this.defaults(), ...options });
  }

  request(path: string, options: ProbeRequest = {}): Promise<ProbeResponse> {
    return this.http.request(this.issuer + path, { ...this.defaults(), ...options });
  }

  private defaults(): Pick<ProbeRequest, 'from' | 'signal'> {
    return { signal: this.signal, ...(this.from === undefined ? {} : { from: this.from }) };
  }

  /** Sends the sign-in form as a browser does. */
  async submitSignIn(
    browser: ProbeBrowser,
    credentials: { readonly email: string; readonly password: string } = this.identity,
  ): Promise<ProbeResponse> {
    const page = await browser.request(`${this.issuer}/sign-in`);
    return browser.request(`${this.issuer}/sign-in`, {
      form: { ...hiddenFields(page.body), email: credentials.email, password: credentials.password },
    });
  }

  /** A browser in which the probe's person is signed in. @throws Error when signing in fails */
  async signedIn(options: BrowserDefaults = {}): Promise<ProbeBrowser> {
    const browser = this.browser(options);
    const answer = await this.submitSignIn(browser);
    if (answer.status !== 303 && answer.status !== 302) {
      throw new Error(`the probe's person could not sign in: HTTP ${answer.status}`);
    }
    return browser;
  }

  /** Ends the session as the person would, so that the modules' sessions end with it. */
  async signOut(browser: ProbeBrowser): Promise<void> {
    const page = await browser.request(`${this.issuer}/sign-out`);
    await browser.request(`${this.issuer}/sign-out`, { form: hiddenFields(page.body) });
  }

  async authorize(
    browser: ProbeBrowser,
    changed: Readonly<Record<string, string | undefined>> = {},
  ): Promise<ProbeResponse> {
    const parameters: Record<string, string | undefined> = {
      response_type: 'code',
      client_id: this.identity.clientId,
      redirect_uri: PROBE_REDIRECT_URI,
      scope: PROBE_SCOPES.join(' '),
      state: randomSecret(8),
      code_challenge: challengeOf(VERIFIER),
      code_challenge_method: 'S256',
      ...changed,
    };
    const present = Object.entries(parameters).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    return browser.request(`${this.issuer}/oauth2/authorize?${new URLSearchParams(present)}`);
  }

  /** @throws Error when no code comes back */
  async code(
    browser: ProbeBrowser,
    changed: Readonly<Record<string, string | undefined>> = {},
  ): Promise<string> {
    const answer = await this.authorize(browser, changed);
    const code = locationOf(answer)?.searchParams.get('code');
    if (!code)
      throw new Error(
        `no code came back: HTTP ${answer.status} to ${locationOf(answer)?.pathname ?? 'nowhere'}`,
      );
    return code;
  }

  exchange(code: string): Promise<Answer> {
    return this.asClient('/oauth2/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: PROBE_REDIRECT_URI,
      code_verifier: VERIFIER,
    });
  }

  refresh(refreshToken: string): Promise<Answer> {
    return this.asClient('/oauth2/token', { grant_type: 'refresh_token', refresh_token: refreshToken });
  }

  introspect(token: string): Promise<Answer> {
    return this.asClient('/oauth2/introspect', { token });
  }

  revoke(token: string): Promise<Answer> {
    return this.asClient('/oauth2/revoke', { token });
  }

  /** The server's own guarded route. */
  userinfo(accessToken: string): Promise<ProbeResponse> {
    return this.request('/oauth2/userinfo', { headers: { authorization: `Bearer ${accessToken}` } });
  }

  /** A token pair of the probe's person. @throws Error when the server gives none */
  async tokens(
    browser: ProbeBrowser,
    changed: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Tokens> {
    return tokensOf(await this.exchange(await this.code(browser, changed)));
  }

  /** A form post with the confidential client's credentials. */
  async asClient(path: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    const { clientId, clientSecret } = this.identity;
    const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    const response = await this.request(path, { form, headers: { authorization: `Basic ${credentials}` } });
    return { status: response.status, body: jsonOf(response.body) };
  }
}

/** RFC 7636 §4.1; a probe's codes need no verifier of their own, since nobody else sees them. */
const VERIFIER = randomSecret();

function challengeOf(verifier: string): string {
  return sha256(verifier).toString('base64url');
}

export function tokensOf({ status, body }: Answer): Tokens {
  const { access_token: accessToken, refresh_token: refreshToken } = body;
  if (typeof accessToken !== 'string' || typeof refreshToken !== 'string') {
    throw new Error(`no token pair came back: HTTP ${status} ${textOf(body.error)}`);
  }
  return { accessToken, refreshToken, claims: claimsOf(accessToken) };
}

/** A member of an answer that should be text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The claims of a JWT, unverified: who asked has the token from the issuer itself. */
export function claimsOf(jwt: string): Readonly<Record<string, unknown>> {
  return jsonOf(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

export function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
