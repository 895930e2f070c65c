import { PublicError, type PublicErrorOptions } from '#platform';

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

/** RFC 6749 §4.1.2.1: this server, or the person, said no. A license that is missing says so here, by its code. */
export class AccessDenied extends OAuthError {
  constructor(
    message: string,
    readonly decisionCode?: string,
  ) {
    super(400, 'access_denied', message);
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

/** RFC 6750 §3: no token came, so the challenge is bare. */
export class TokenRequired extends OAuthError {
  constructor() {
    super(401, 'invalid_token', 'This address needs an access token.', {
      headers: { 'www-authenticate': 'Bearer' },
    });
  }
}

/** RFC 6750 §3.1: names the scope that is needed. */
export class InsufficientScope extends OAuthError {
  constructor(scope: string) {
    super(403, 'insufficient_scope', `This address needs the scope ${scope}.`, {
      headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
    });
  }
}

/** The authorization request names no client or redirect URI that can be trusted: never redirected (RFC 6749 §4.1.2.1). */
export class UntrustedAuthorizationRequest extends OAuthError {
  constructor(message: string, reason?: string) {
    super(400, 'invalid_request', message, reason === undefined ? {} : { reason });
  }
}
