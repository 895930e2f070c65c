/** What a module's session cookie holds; there is no copy on the server's side. */
export interface ModuleSession {
  accessToken: string;
  /** Absent when `offline_access` was not granted: the session ends with the access token. */
  refreshToken?: string;
  /** For RP-initiated logout; left out when the cookie would grow too large. */
  idToken?: string;
  /** Seconds since the epoch. */
  issuedAt: number;
  expiresAt: number;
  subject: string;
  sessionId?: string;
  name?: string;
  email?: string;
  organizationName?: string;
}

/** Short names in the cookie, which is limited to 4096 bytes in all (RFC 6265 section 6.1). */
export function packSession(session: ModuleSession): Record<string, string | number | undefined> {
  return {
    a: session.accessToken,
    r: session.refreshToken,
    i: session.idToken,
    b: session.issuedAt,
    e: session.expiresAt,
    u: session.subject,
    s: session.sessionId,
    n: session.name,
    m: session.email,
    o: session.organizationName,
  };
}

/** Undefined for anything that `packSession` did not make. */
export function unpackSession(packed: unknown): ModuleSession | undefined {
  if (typeof packed !== 'object' || packed === null) return undefined;
  const { a, r, i, b, e, u, s, n, m, o } = packed as Record<string, unknown>;
  if (typeof a !== 'string' || typeof b !== 'number' || typeof e !== 'number' || typeof u !== 'string') {
    return undefined;
  }
  const session: ModuleSession = { accessToken: a, issuedAt: b, expiresAt: e, subject: u };
  if (typeof r === 'string') session.refreshToken = r;
  if (typeof i === 'string') session.idToken = i;
  if (typeof s === 'string') session.sessionId = s;
  if (typeof n === 'string') session.name = n;
  if (typeof m === 'string') session.email = m;
  if (typeof o === 'string') session.organizationName = o;
  return session;
}

/**
 * Whether the access token should be renewed now: a quarter of its life before its end, at most a minute, so that a
 * request under way does not outlive it.
 */
export function isDue(session: ModuleSession, nowMs: number): boolean {
  const life = session.expiresAt - session.issuedAt;
  const margin = Math.min(60, life / 4);
  return nowMs / 1000 >= session.expiresAt - margin;
}
