import { ProblemException } from '../http/problem.exception.js';

export interface Challenge {
  /** Where the protected-resource metadata is (RFC 9728 section 5.1). */
  metadataUrl: string;
  error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope';
  description?: string;
  scope?: string;
}

/** The value of `WWW-Authenticate` (RFC 6750 section 3). */
export function bearerChallenge(challenge: Challenge): string {
  const parameters: [string, string | undefined][] = [
    ['error', challenge.error],
    ['error_description', challenge.description],
    ['scope', challenge.scope],
    ['resource_metadata', challenge.metadataUrl],
  ];
  const written = parameters.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value.replace(/[^\x20-\x7e]|["\\]/g, '')}"`],
  );
  return `Bearer ${written.join(', ')}`;
}

/**
 * The access token of an `Authorization` header (RFC 6750 section 2.1); undefined when there is no bearer credential.
 * `malformed` when there is one that no token fits into.
 */
export function readBearer(header: string | undefined): { token: string } | 'malformed' | undefined {
  if (header === undefined || !/^bearer(\s|$)/i.test(header)) return undefined;
  const match = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header);
  return match?.[1] === undefined ? 'malformed' : { token: match[1] };
}

/** 401 without a code: nothing came that could be judged (RFC 6750 section 3.1). */
export function tokenMissing(metadataUrl: string): ProblemException {
  return new ProblemException(
    401,
    'token_required',
    'Access token required',
    'Send an access token as a bearer token.',
    {
      headers: { 'www-authenticate': bearerChallenge({ metadataUrl }) },
    },
  );
}

export function tokenMalformed(metadataUrl: string): ProblemException {
  const description = 'The Authorization header is malformed';
  return new ProblemException(400, 'invalid_request', 'Malformed request', `${description}.`, {
    headers: { 'www-authenticate': bearerChallenge({ metadataUrl, error: 'invalid_request', description }) },
  });
}

export function tokenInvalid(metadataUrl: string, description: string): ProblemException {
  return new ProblemException(401, 'invalid_token', 'Access token refused', `${description}.`, {
    headers: { 'www-authenticate': bearerChallenge({ metadataUrl, error: 'invalid_token', description }) },
  });
}

export function scopeMissing(metadataUrl: string, scopes: readonly string[]): ProblemException {
  const scope = scopes.join(' ');
  const description = 'The access token lacks a scope';
  return new ProblemException(403, 'insufficient_scope', 'Not allowed', `This needs the scope ${scope}.`, {
    headers: {
      'www-authenticate': bearerChallenge({ metadataUrl, error: 'insufficient_scope', description, scope }),
    },
    members: { scope },
  });
}
