import type { KitCall } from '../http/http-types.js';
import type { ResolvedOptions } from '../options.js';
import { InvalidTokenError, principalOf } from '../tokens/access-token.js';
import { InvalidProofError } from '../tokens/dpop-proof.js';
import type { DpopProofs } from '../tokens/dpop-proofs.js';
import type { TokenVerifier } from '../tokens/token-verifier.js';
import {
  proofInvalid,
  readCredential,
  tokenInvalid,
  tokenMalformed,
  tokenMissing,
  type Scheme,
} from './bearer.js';
import type { Principal } from './principal.js';

/** A program's credential: the access token of the `Authorization` header, with a proof where it is bound to a key. */
export class BearerGate {
  /** Of the protected resource (RFC 9728). */
  readonly metadataUrl: string;

  constructor(
    options: ResolvedOptions,
    private readonly tokens: TokenVerifier,
    private readonly proofs: DpopProofs,
  ) {
    this.metadataUrl = `${options.moduleUrl}/.well-known/oauth-protected-resource`;
  }

  /** Throws 401 or 400 as RFC 6750 section 3.1 and RFC 9449 section 7.1 say, 503 when it cannot be known. */
  async authenticate(request: KitCall): Promise<Principal> {
    const presented = readCredential(request.headers.authorization);
    if (presented === undefined) throw tokenMissing(this.metadataUrl);
    if (presented === 'malformed') throw tokenMalformed(this.metadataUrl);
    const { scheme, token } = presented;
    try {
      const claims = await this.tokens.verify(token);
      await this.requirePossession(request, scheme, token, claims.cnf?.jkt);
      return principalOf(claims, token);
    } catch (error) {
      if (error instanceof InvalidTokenError) throw tokenInvalid(this.metadataUrl, error.reason, scheme);
      if (error instanceof InvalidProofError) throw proofInvalid(this.metadataUrl, error.reason);
      throw error;
    }
  }

  private async requirePossession(
    request: KitCall,
    scheme: Scheme,
    token: string,
    jkt: string | undefined,
  ): Promise<void> {
    if (jkt === undefined) {
      // RFC 9449 section 7.1: there is no key for the proof to be of
      if (scheme === 'DPoP')
        throw tokenInvalid(this.metadataUrl, 'The access token is bound to no key', 'Bearer');
      return;
    }
    // RFC 9449 section 7.2: who has stolen a bound token must not get by without its key
    if (scheme === 'Bearer')
      throw tokenInvalid(this.metadataUrl, 'The access token is bound to a key', 'DPoP');
    await this.proofs.require(request, token, jkt);
  }
}
