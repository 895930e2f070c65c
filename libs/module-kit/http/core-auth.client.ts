import type { JSONWebKeySet } from 'jose';
import type { KitClock } from '../clock.js';
import type { ResolvedOptions } from '../options.js';

/** Core Auth gave no usable answer: no connection, a time-out, or a 5xx. Worth a retry. */
export class CoreAuthUnavailable extends Error {
  constructor(what: string, cause?: unknown) {
    super(`Core Auth did not answer ${what}`, { cause });
    this.name = 'CoreAuthUnavailable';
  }
}

/** Core Auth refused (RFC 6749 section 5.2, or a problem document). */
export class CoreAuthRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly description?: string,
  ) {
    super(`Core Auth refused: ${code}`);
    this.name = 'CoreAuthRefusal';
  }
}

/** RFC 6749 section 5.1, with the `id_token` of OpenID Connect. */
export interface TokenResponse {
  access_token: string;
  token_type: string;
  expires_in: number;
  refresh_token?: string;
  id_token?: string;
  scope?: string;
}

interface Answer {
  status: number;
  text: string;
}

/** Every request that this process makes to Core Auth itself, each with a time limit. */
export class CoreAuthClient {
  private readonly basic: string;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly clock: KitClock,
  ) {
    // RFC 6749 section 2.3.1: both parts are form-encoded before they are joined.
    const pair = `${encodeURIComponent(options.clientId)}:${encodeURIComponent(options.clientSecret)}`;
    this.basic = `Basic ${Buffer.from(pair).toString('base64')}`;
  }

  exchangeCode(code: string, codeVerifier: string, redirectUri: string): Promise<TokenResponse> {
    return this.token({
      grant_type: 'authorization_code',
      code,
      code_verifier: codeVerifier,
      redirect_uri: redirectUri,
    });
  }

  refresh(refreshToken: string): Promise<TokenResponse> {
    return this.token({ grant_type: 'refresh_token', refresh_token: refreshToken });
  }

  /** How often Core Auth has been asked about a token. */
  introspections = 0;

  /**
   * What Core Auth says of an access token that it holds for live (RFC 7662 section 2.2); undefined of any other.
   * @param timeoutMs no longer than every request may take
   */
  async introspect(
    token: string,
    timeoutMs = this.options.requestTimeoutMs,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    this.introspections += 1;
    const answer = await this.form<Record<string, unknown> | null>(
      '/oauth2/introspect',
      { token },
      timeoutMs,
    );
    return answer?.['active'] === true ? answer : undefined;
  }

  async jwks(): Promise<JSONWebKeySet> {
    return this.readJson<JSONWebKeySet>('JWKS', await this.fetch('/oauth2/jwks', {}));
  }

  /** The organization's license snapshot as Core Auth sent it; the caller parses it. 404 is a refusal. */
  async snapshot(organizationId: string): Promise<unknown> {
    const query = new URLSearchParams({ organization_id: organizationId });
    const answer = await this.fetch(`/v1/licenses/snapshot?${query}`, {
      headers: { authorization: this.basic },
    });
    return this.readJson<unknown>('the license snapshot', answer);
  }

  /**
   * Tells of a use of a metered feature. A refusal by license is an answer too; any other is a `CoreAuthRefusal`.
   * @param idempotencyKey of the organization and this module: the same one counts once
   */
  async recordUse(use: Readonly<Record<string, unknown>>, idempotencyKey: string): Promise<unknown> {
    const answer = await this.json('POST', '/v1/usage', use, { 'idempotency-key': idempotencyKey });
    const decided = readDecided(answer.text);
    return decided ?? this.readJson<unknown>('/v1/usage', answer);
  }

  /** Takes a floating seat, or holds the one that the person has at this device. */
  async holdLease(wanted: Readonly<Record<string, string>>): Promise<unknown> {
    return this.readJson<unknown>('/v1/leases', await this.json('POST', '/v1/leases', wanted));
  }

  async heartbeat(leaseId: string): Promise<unknown> {
    const path = `/v1/leases/${encodeURIComponent(leaseId)}/heartbeat`;
    return this.readJson<unknown>('/v1/leases', await this.json('POST', path));
  }

  /** Gives a floating seat back; one that is gone already is no error. */
  async releaseLease(leaseId: string): Promise<void> {
    const answer = await this.json('DELETE', `/v1/leases/${encodeURIComponent(leaseId)}`);
    if (answer.status !== 204) this.readJson<unknown>('/v1/leases', answer);
  }

  /** The launcher's modules for the person who owns the token. */
  async launcher(accessToken: string): Promise<unknown> {
    const answer = await this.fetch('/v1/launcher', { headers: { authorization: `Bearer ${accessToken}` } });
    return this.readJson<unknown>('the launcher', answer);
  }

  /** Opens the event stream; the caller reads the body and ends it through `signal`. */
  async events(lastEventId: string | undefined, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { authorization: this.basic, accept: 'text/event-stream' };
    if (lastEventId) headers['last-event-id'] = lastEventId;
    const url = `${this.options.coreAuthInternalUrl}/v1/events`;
    const response = await fetch(url, { headers, signal, redirect: 'error', cache: 'no-store' });
    this.clock.hear(response.headers.get('date'));
    return response;
  }

  private json(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const content = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.fetch(path, {
      method,
      headers: { authorization: this.basic, ...content, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  private async token(parameters: Record<string, string>): Promise<TokenResponse> {
    const answer = await this.form<Partial<TokenResponse>>('/oauth2/token', parameters);
    if (typeof answer.access_token !== 'string' || typeof answer.expires_in !== 'number') {
      throw new CoreAuthUnavailable('the token request with a token');
    }
    return answer as TokenResponse;
  }

  private async form<Body>(
    path: string,
    parameters: Record<string, string>,
    timeoutMs?: number,
  ): Promise<Body> {
    const init = {
      method: 'POST',
      headers: { authorization: this.basic, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(parameters).toString(),
    };
    const answer = await this.fetch(path, init, timeoutMs);
    return this.readJson<Body>(path, answer);
  }

  /** The whole answer within the time limit, its body included. */
  private async fetch(
    path: string,
    init: RequestInit,
    timeoutMs = this.options.requestTimeoutMs,
  ): Promise<Answer> {
    const what = path.split('?')[0] ?? path;
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    // Raced by hand: fetch loses sight of its signal once the request object is collected.
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => {
          reject(new CoreAuthUnavailable(`${what} in time`));
          abort.abort();
        },
        Math.min(timeoutMs, this.options.requestTimeoutMs),
      );
    });
    const url = this.options.coreAuthInternalUrl + path;
    const answered = (async (): Promise<Answer> => {
      const response = await fetch(url, { ...init, redirect: 'error', signal: abort.signal });
      this.clock.hear(response.headers.get('date'));
      return { status: response.status, text: await response.text() };
    })();
    try {
      return await Promise.race([answered, tooLate]);
    } catch (error) {
      throw error instanceof CoreAuthUnavailable ? error : new CoreAuthUnavailable(what, error);
    } finally {
      clearTimeout(timer);
      answered.catch(() => undefined);
    }
  }

  private readJson<Body>(what: string, answer: Answer): Body {
    let body: unknown;
    try {
      body = JSON.parse(answer.text);
    } catch (error) {
      throw new CoreAuthUnavailable(`${what} readably (${answer.status})`, error);
    }
    if (answer.status >= 200 && answer.status < 300) return body as Body;
    if (answer.status >= 500 || answer.status === 429) throw new CoreAuthUnavailable(what);
    const { error, code, error_description } = (body ?? {}) as Record<string, unknown>;
    const name = typeof error === 'string' ? error : typeof code === 'string' ? code : 'refused';
    const text = typeof error_description === 'string' ? error_description : undefined;
    throw text === undefined
      ? new CoreAuthRefusal(answer.status, name)
      : new CoreAuthRefusal(answer.status, name, text);
  }
}

/** An answer that a license gave, whatever its status: it has `allow` and `code`. */
function readDecided(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && 'allow' in body ? body : undefined;
  } catch {
    return undefined;
  }
}
