import type { IncomingHttpHeaders } from 'node:http';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a request that carries the session cookie may change something: only one that a page of this module's own
 * origin made. `SameSite` is not enough, for ports of one host, and sibling subdomains, are the same site.
 */
export function mayChange(method: string, headers: IncomingHttpHeaders, moduleOrigin: string): boolean {
  if (SAFE_METHODS.has(method)) return true;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return headers.origin === moduleOrigin;
}
