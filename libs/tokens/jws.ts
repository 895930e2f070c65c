import type { LicenseKey, SigningKey } from './key-generation.js';

/**
 * A JWS in compact serialization (RFC 7515 §7.1). The claims are this server's own, so nothing is checked that JwtService
 * would check first: tokens are signed on the hottest paths.
 * @param typ keeps a token of one type from passing for another (RFC 8725 §3.11)
 */
export function signJws(
  key: Pick<SigningKey | LicenseKey, 'algorithm' | 'kid' | 'signature'>,
  typ: string,
  claims: object,
): string {
  const input = `${base64url({ alg: key.algorithm, typ, kid: key.kid })}.${base64url(claims)}`;
  return `${input}.${key.signature(input)}`;
}

/** The header of a compact JWS, unverified; undefined when the text is none. */
export function readJwsHeader(token: string): Record<string, unknown> | undefined {
  const [header, payload, signature, rest] = token.split('.');
  if (!header || !payload || !signature || rest !== undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
