import { parseUri } from '#platform';
import { isLoopbackRedirectUri } from '../redirect-uri.js';

const MAX_URL = 512;
/** No user information; a path, and not the bare one; no fragment. */
const PARTS = /^https?:\/\/[^/?@#]+(\/[^?#]+)(\?[^#]*)?$/;
const DOT_SEGMENT = /^(\.|%2e){1,2}$/i;

/**
 * Whether a `client_id` is a Client Identifier URL (draft-ietf-oauth-client-id-metadata-document-02 §3), which no
 * registered identifier looks like.
 * @param allowLoopback http on the loopback interface counts too, for development (§8.6)
 */
export function isClientIdentifierUrl(text: string, allowLoopback: boolean): boolean {
  if (!parseUri(text, MAX_URL)) return false;
  if (!text.startsWith('https://') && !(allowLoopback && isLoopbackRedirectUri(text))) return false;
  const path = PARTS.exec(text)?.[1];
  return path !== undefined && !path.split('/').some((segment) => DOT_SEGMENT.test(segment));
}
