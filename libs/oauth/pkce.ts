import { sha256 } from '#platform';

/** RFC 7636 §4.2: the S256 challenge is the SHA-256 in base64url, 43 characters. */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
/** RFC 7636 §4.1: 43 to 128 unreserved characters. */
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

export function isCodeChallenge(text: string): boolean {
  return CHALLENGE.test(text);
}

export function isCodeVerifier(text: string): boolean {
  return VERIFIER.test(text);
}

/** RFC 7636 §4.6 */
export function codeChallengeOf(verifier: string): string {
  return sha256(verifier).toString('base64url');
}
