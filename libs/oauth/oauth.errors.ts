import { PublicError, type PublicErrorOptions } from '#platform';
import { DPOP_ALGORITHMS } from './dpop/dpop-proof.js';

/** RFC 9449 §7.1: the proofs that are taken. */
const DPOP_ALGS = `algs="${DPOP_ALGORITHMS.join(' ')}"`;

/** An error of RFC 6749 §5.2 and its extensions, answered as `{ error, error_description }`. */
export class OAuthError extends PublicError {}

/** RFC 6749 §5.2: a parameter is missing, repeated, or not what it must be. */
export class InvalidRequest extends OAuthError {
  constructor(message: string, options?: PublicErrorOptions) {
    super(400, 'invalid_request', message, options);
  }
}

/** RFC 6749 §5.2: 401, with a challenge when the client tried Basic. */
export class InvalidClient extends OAuthError {
  constructor(reason: string, basic: boolean) {
    super(401, 'invalid_client', 'Client authentication failed.', {
      reason,
      headers: basic ? { 'www-authenticate': 'Basic realm="core-auth", charset="UTF-8"' } : {},
    });
  }
}

/** RFC 6749 §5.2: the code or refresh token is invalid, expired, used, revoked or somebody else's. */
export class InvalidGrant extends OAuthError {
  constructor(reason: string) {
    super(400, 'invalid_grant', 'The grant is invalid, expired, revoked or was issued to another client.', {
      reason,
    });
  }
}

/** RFC 6749 §5.2: this client may not use this grant type. */
export class UnauthorizedClient extends OAuthError {
  constructor(message = 'This client may not use this grant type.') {
    super(400, 'unauthorized_client', message);
  }
}

/** RFC 6749 §5.2 */
export class UnsupportedGrantType extends OAuthError {
  constructor() {
    super(400, 'unsupported_grant_type', 'This server does not know that grant type.');
  }
}

/** RFC 6749 §5.2: the scope is unknown, malformed, or more than was granted. */
export class InvalidScope extends OAuthError {
  constructor(message: string) {
    super(400, 'invalid_scope', message);
  }
}

/** RFC 9449 §5: the DPoP proof is missing or invalid. */
export class InvalidDpopProof extends OAuthError {
  constructor(message: string, options?: PublicErrorOptions) {
    super(400, 'invalid_dpop_proof', message, options);
  }
}

/** RFC 9449 §8: the proof must contain a nonce of this server; here is one. */
export class UseDpopNonce extends OAuthError {
  constructor(nonce: string) {
    super(400, 'use_dpop_nonce', 'The proof must contain the nonce of the DPoP-Nonce header.', {
      headers: { 'dpop-nonce': nonce },
    });
  }
}

/** RFC 9449 §7.1, §9: what a protected resource answers to a DPoP-bound token, or a proof, that does not do. */
export class DpopChallenge extends OAuthError {
  constructor(code: string, message: string, { reason, headers }: PublicErrorOptions = {}) {
    super(401, code, message, {
      ...(reason === undefined ? {} : { reason }),
      headers: {
        ...headers,
        'www-authenticate': `DPoP error="${code}", error_description="${message}", ${DPOP_ALGS}`,
      },
    });
  }

  /** The same error as a protected resource tells it. */
  static of({ code, publicMessage, headers }: OAuthError): DpopChallenge {
    return new DpopChallenge(code, publicMessage, { headers });
  }
}

/** RFC 8707 §2: the resource is unknown, malformed, or not available to this client. */
export class InvalidTarget extends OAuthError {
  constructor(message: string) {
    super(400, 'invalid_target', message);
  }
}

/** RFC 7591 §3.2.2: the client metadata is malformed, contradicts itself, or asks for more than is given here. */
export class InvalidClientMetadata extends OAuthError {
  constructor(message: string) {
    super(400, 'invalid_client_metadata', message);
  }
}

/** RFC 7591 §3.2.2 */
export class InvalidRedirectUri extends OAuthError {
  constructor(message: string) {
    super(400, 'invalid_redirect_uri', message);
  }
}

/** The document at the URL that a client is known by is none that this server can use: the client is not known. */
export class UnusableClientDocument extends OAuthError {
  constructor(why: string, reason?: string) {
    super(
      400,
      'invalid_client',
      `The document that describes this application cannot be used. ${why}`,
      reason === undefined ? {} : { reason },
    );
  }
}

/** RFC 6749 §4.1.2.1: this server, or the person, said no. A license that is missing says so here, by its code. */
export class AccessDenied extends OAuthError {
  constructor(
    message: string,
    readonly decisionCode?: string,
  ) {
    super(400, 'access_denied', message);
  }
}

/** RFC 8628 §3.5: nobody has decided yet. */
export class AuthorizationPending extends OAuthError {
  constructor() {
    super(400, 'authorization_pending', 'The person has not decided yet.');
  }
}

/** RFC 8628 §3.5: as authorization_pending; from now on the client waits five seconds more between polls. */
export class SlowDown extends OAuthError {
  constructor() {
    super(400, 'slow_down', 'The polls come too often. Wait five seconds more between them from now on.');
  }
}

/** RFC 8628 §3.5 */
export class ExpiredToken extends OAuthError {
  constructor() {
    super(400, 'expired_token', 'The device code has expired. Begin again.');
  }
}

/** RFC 6750 §3.1: the token is missing, expired, revoked or malformed. */
export class InvalidToken extends OAuthError {
  constructor(reason: string) {
    super(401, 'invalid_token', 'The access token is invalid, expired or revoked.', {
      reason,
      headers: {
        'www-authenticate':
          'Bearer error="invalid_token", error_description="The access token is invalid, expired or revoked"',
      },
    });
  }
}

/** RFC 6750 §3, §3.1: no token came, so the challenge tells of no error; some parameter it must have. */
export class TokenRequired extends OAuthError {
  constructor() {
    super(401, 'invalid_token', 'This address needs an access token.', {
      headers: { 'www-authenticate': 'Bearer realm="core-auth"' },
    });
  }
}

/** RFC 6750 §3.1: names the scope that is needed. */
export class InsufficientScope extends OAuthError {
  constructor(scope: string, scheme: 'Bearer' | 'DPoP' = 'Bearer') {
    super(403, 'insufficient_scope', `This address needs the scope ${scope}.`, {
      headers: { 'www-authenticate': `${scheme} error="insufficient_scope", scope="${scope}"` },
    });
  }
}

/** The authorization request names no client or redirect URI that can be trusted: never redirected (RFC 6749 §4.1.2.1). */
export class UntrustedAuthorizationRequest extends OAuthError {
  constructor(message: string, reason?: string) {
    super(400, 'invalid_request', message, reason === undefined ? {} : { reason });
  }
}
