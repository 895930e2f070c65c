import { ProblemException } from '../http/problem.exception.js';
import { DPOP_ALGORITHMS } from '../tokens/dpop-proof.js';

/** How an access token is presented: by whoever has it, or with a proof that it is one's own (RFC 9449). */
export type Scheme = 'Bearer' | 'DPoP';

export interface Challenge {
  /** Where the protected-resource metadata is (RFC 9728 section 5.1). */
  metadataUrl: string;
  error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof';
  description?: string;
  scope?: string;
}

/** The value of `WWW-Authenticate` (RFC 6750 section 3). */
export function bearerChallenge(challenge: Challenge): string {
  return challengeOf('Bearer', challenge);
}

function challengeOf(scheme: Scheme, challenge: Challenge): string {
  const parameters: [string, string | undefined][] = [
    ['error', challenge.error],
    ['error_description', challenge.description],
    ['scope', challenge.scope],
    // RFC 9449 section 7.1: which algorithms a proof may be signed by
    ['algs', scheme === 'DPoP' ? DPOP_ALGORITHMS.join(' ') : undefined],
    ['resource_metadata', challenge.metadataUrl],
  ];
  const written = parameters.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replace(/[^\x20-\x7e]|["\\]/g, '')}"`],
  );
  return `${scheme} ${written.join(', ')}`;
}

/**
 * The access token of an `Authorization` header (RFC 6750 section 2.1, RFC 9449 section 7.1); undefined when there is no
 * such credential. `malformed` when there is one that no token fits into.
 */
export function readCredential(
  header: string | undefined,
): { scheme: Scheme; token: string } | 'malformed' | undefined {
  const name = /^(bearer|dpop)(?:\s|$)/i.exec(header ?? '')?.[1];
  if (header === undefined || name === undefined) return undefined;
  const match = /^[a-z]+ +([A-Za-z0-9._~+/-]+=*)$/i.exec(header);
  if (match?.[1] === undefined) return 'malformed';
  return { scheme: name.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token: match[1] };
}

/** 401 without a code: nothing came that could be judged (RFC 6750 section 3.1). Names both ways to come back. */
export function tokenMissing(metadataUrl: string): ProblemException {
  const challenges = (['Bearer', 'DPoP'] as const).map((scheme) => challengeOf(scheme, { metadataUrl }));
  return new ProblemException(
    401,
    'token_required',
    'Access token required',
    'Send an access token as a bearer token, or with a DPoP proof.',
    { headers: { 'www-authenticate': challenges.join(', ') } },
  );
}

export function tokenMalformed(metadataUrl: string): ProblemException {
  const description = 'The Authorization header is malformed';
  return new ProblemException(400, 'invalid_request', 'Malformed request', `${description}.`, {
    headers: { 'www-authenticate': bearerChallenge({ metadataUrl, error: 'invalid_request', description }) },
  });
}

/** @param scheme the one that the caller used, or the one that the token asks for */
export function tokenInvalid(metadataUrl: string, description: string, scheme: Scheme): ProblemException {
  const challenge = challengeOf(scheme, { metadataUrl, error: 'invalid_token', description });
  return new ProblemException(401, 'invalid_token', 'Access token refused', `${description}.`, {
    headers: { 'www-authenticate': challenge },
  });
}

/** RFC 9449 section 7.1: the token may be good; the proof is not. */
export function proofInvalid(metadataUrl: string, description: string): ProblemException {
  const challenge = challengeOf('DPoP', { metadataUrl, error: 'invalid_dpop_proof', description });
  return new ProblemException(401, 'invalid_dpop_proof', 'Proof refused', `${description}.`, {
    headers: { 'www-authenticate': challenge },
  });
}

export function scopeMissing(
  metadataUrl: string,
  scopes: readonly string[],
  scheme: Scheme,
): ProblemException {
  const scope = scopes.join(' ');
  const description = 'The access token lacks a scope';
  const challenge = challengeOf(scheme, { metadataUrl, error: 'insufficient_scope', description, scope });
  return new ProblemException(403, 'insufficient_scope', 'Not allowed', `This needs the scope ${scope}.`, {
    headers: { 'www-authenticate': challenge },
    members: { scope },
  });
}
