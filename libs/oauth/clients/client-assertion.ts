import { Injectable } from '@nestjs/common';
import { decodeJwt, decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import { addSeconds, Clock, Configuration, numericDate } from '#platform';
import { UsedJtiRepository } from '../dpop/used-jti.repository.js';
import type { Client } from './client.js';
import { ClientKeys } from './client-keys.js';
import { CLOCK_SKEW, FAPI_ALGORITHMS, isJti } from './jwt-rules.js';

/** RFC 7523 §2.2 */
export const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What a client may sign with; RS256 is for clients that are not held to the FAPI profile. */
export const ASSERTION_ALGORITHMS = [...FAPI_ALGORITHMS, 'RS256'] as const;

/** Seconds: an assertion is made for one request. */
const MAX_LIFETIME = 600;
const MAX_LENGTH = 8192;
/** RFC 8725 §3.11: what was signed to say something else is no credential. */
const TYPES = /^(application\/)?(jwt|client-authentication\+jwt)$/i;

/** Why an assertion is refused; for logs alone. */
export class AssertionProblem extends Error {
  override readonly name = 'AssertionProblem';
}

/** Authentication by `private_key_jwt` (RFC 7523 §3, OpenID Connect Core §9). */
@Injectable()
export class ClientAssertions {
  constructor(
    private readonly keys: ClientKeys,
    private readonly usedJtis: UsedJtiRepository,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Checks an assertion of this client, and spends it.
   * @param path of the endpoint that it was sent to
   * @throws AssertionProblem
   */
  async verify(assertion: string, client: Client, path: string): Promise<void> {
    const claims = await this.verifySignature(assertion, client);
    const { exp, jti } = claims;
    this.checkAudience(claims, client, path);
    const now = this.clock.now();
    // RFC 7523 §3 (4); what has expired is refused without leeway
    if (exp === undefined || exp <= numericDate(now)) throw new AssertionProblem('no exp, or expired');
    if (exp > numericDate(now) + MAX_LIFETIME) throw new AssertionProblem('exp is too far in the future');
    if (claims.iat !== undefined && claims.iat > numericDate(now) + CLOCK_SKEW) {
      throw new AssertionProblem('iat is in the future');
    }
    // OpenID Connect Core §9: required, and used once
    if (!isJti(jti)) throw new AssertionProblem('jti is missing or too long');
    if (
      !(await this.usedJtis.use(
        'client_assertion',
        client.id,
        jti,
        addSeconds(new Date(exp * 1000), CLOCK_SKEW),
      ))
    ) {
      throw new AssertionProblem('the assertion was used before');
    }
  }

  private async verifySignature(assertion: string, client: Client): Promise<JWTPayload> {
    const fapi = client.profile === 'fapi2';
    try {
      const { typ } = decodeProtectedHeader(assertion);
      if (typ !== undefined && !TYPES.test(typ)) throw new AssertionProblem(`typ ${typ}`);
      const { payload } = await jwtVerify(assertion, this.keys.of(client), {
        algorithms: [...(fapi ? FAPI_ALGORITHMS : ASSERTION_ALGORITHMS)],
        // RFC 7523 §3 (1), (2): both are the client
        issuer: client.id,
        subject: client.id,
        currentDate: this.clock.now(),
        clockTolerance: CLOCK_SKEW,
      });
      return payload;
    } catch (error) {
      // a key that a client registered, or a JWT that it sent, fails in whatever way jose or node finds
      throw new AssertionProblem(error instanceof Error ? error.message : 'unreadable');
    }
  }

  /** RFC 7523 §3 (3); FAPI 2.0 Security Profile §5.3.2.1: the issuer alone, as a string. */
  private checkAudience({ aud }: JWTPayload, client: Client, path: string): void {
    const { issuer } = this.configuration;
    if (aud === issuer) return;
    if (client.profile !== 'fapi2') {
      const accepted = [issuer, `${issuer}/oauth2/token`, `${issuer}${path}`];
      if ([aud ?? []].flat().some((audience) => accepted.includes(audience))) return;
    }
    throw new AssertionProblem('meant for another audience');
  }
}

/** The client that an assertion speaks of, unverified (RFC 7523 §3 (2)); undefined when it speaks of none. */
export function subjectOf(assertion: string): string | undefined {
  if (assertion.length > MAX_LENGTH) return undefined;
  try {
    const { sub } = decodeJwt(assertion);
    return typeof sub === 'string' ? sub : undefined;
  } catch {
    return undefined;
  }
}
