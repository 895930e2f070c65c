import { parseUri } from '#platform';
import { isPublic, type Client } from './clients/client.js';

/** RFC 8252 §7.3, §8.3: loopback by address; `localhost` is allowed because development uses it. */
const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Whether `presented` is a redirect URI of the client: by exact comparison of the texts (RFC 9700 §2.1). A public
 * client may be a native application, which listens on whatever loopback port is free: its port alone may differ
 * (RFC 8252 §7.3).
 */
export function matchesRedirectUri(
  presented: string,
  client: Pick<Client, 'redirectUris' | 'tokenEndpointAuthMethod'>,
): boolean {
  const registered = client.redirectUris;
  if (registered.includes(presented)) return true;
  if (!isPublic(client)) return false;
  const url = parseUri(presented);
  if (!url || !isPlainLoopback(url) || url.href !== presented) return false;
  return registered.some((candidate) => {
    const other = parseUri(candidate);
    return (
      other !== undefined &&
      isPlainLoopback(other) &&
      other.href === candidate &&
      portless(url) === portless(other)
    );
  });
}

function isPlainLoopback(url: URL): boolean {
  return url.protocol === 'http:' && LOOPBACK.has(url.hostname) && url.username === '' && url.password === '';
}

/** Whether the answer goes to a program on the person's own computer (RFC 8252 §7.3). */
export function isLoopbackRedirectUri(uri: string): boolean {
  const url = parseUri(uri);
  return url !== undefined && isPlainLoopback(url);
}

function portless(url: URL): string {
  const copy = new URL(url);
  copy.port = '';
  return copy.href;
}

/** Why a redirect URI cannot be registered, or undefined when it can (RFC 9700 §2.1, RFC 6749 §3.1.2). */
export function redirectUriProblem(uri: string): string | undefined {
  // RFC 3986 §4.3; a browser reads `https:host/path` as a path of the page that it is on
  if (!URL.canParse(uri) || /^https?:(?!\/\/[^/\\])/i.test(uri)) return 'is not an absolute URI';
  const url = parseUri(uri);
  if (!url) return 'holds characters that a URI cannot have, or too many';
  if (uri.includes('#')) return 'must not have a fragment';
  if (uri.includes('*')) return 'must not contain a wildcard';
  if (url.username !== '' || url.password !== '') return 'must not contain user information';
  if (url.protocol === 'http:' && !LOOPBACK.has(url.hostname)) return 'must be https, except on loopback';
  if (['javascript:', 'data:', 'file:', 'vbscript:', 'blob:'].includes(url.protocol))
    return 'has a forbidden scheme';
  return undefined;
}
