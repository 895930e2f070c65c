import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Configuration } from '#platform';
import { DpopChallenge, InvalidDpopProof, OAuthError, UseDpopNonce } from '../oauth.errors.js';
import { DpopNonces } from './dpop-nonces.js';
import { DpopProofProblem, readDpopProof, unverifiedClaims } from './dpop-proof.js';
import { UsedJtiRepository } from './used-jti.repository.js';

export interface DpopRequest {
  readonly method: string;
  /** Of the endpoint, below the issuer; without query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Longer than any node takes the nonce of a proof, and with it the proof, wherever its clock stands. */
const REMEMBERED_SECONDS = 900;

/** Who holds which key: proofs of possession (RFC 9449). */
@Injectable()
export class DpopProofs {
  constructor(
    private readonly nonces: DpopNonces,
    private readonly usedJtis: UsedJtiRepository,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /**
   * The proof of a request is checked, and spent.
   * @param options.accessToken the token that the request presents, when this is a protected resource (§7)
   * @returns the thumbprint of the key, or undefined when no proof came
   * @throws InvalidDpopProof, UseDpopNonce; at a protected resource DpopChallenge
   */
  async verify(
    request: DpopRequest,
    { accessToken }: { readonly accessToken?: string } = {},
  ): Promise<string | undefined> {
    const text = request.headers['dpop'];
    if (text === undefined) return undefined;
    try {
      return await this.spend([text].flat().join(), request, accessToken);
    } catch (error) {
      const problem = error instanceof DpopProofProblem ? new InvalidDpopProof(error.message) : error;
      if (accessToken !== undefined && problem instanceof OAuthError) throw DpopChallenge.of(problem);
      throw problem;
    }
  }

  /**
   * Asks for a nonce as `verify` will, before anything of the request has been spent. What else is wrong with the proof
   * is left to that.
   * @throws UseDpopNonce
   */
  requireNonce(headers: DpopRequest['headers']): void {
    const text = headers['dpop'];
    if (text === undefined) return;
    const claims = unverifiedClaims([text].flat().join());
    if (claims) this.checkNonce(claims['nonce']);
  }

  /** For the `DPoP-Nonce` header of an answer: the nonce to use next (§8.2). */
  freshNonce(): string {
    return this.nonces.issue();
  }

  private async spend(
    text: string,
    { method, path }: DpopRequest,
    accessToken: string | undefined,
  ): Promise<string> {
    const now = this.clock.now();
    const url = `${this.configuration.issuer}${path}`;
    const { jkt, jti, nonce } = await readDpopProof(text, { method, url, accessToken, now });
    this.checkNonce(nonce);
    // §11.1: once, on whichever node
    if (!(await this.usedJtis.use('dpop', jkt, jti, addSeconds(now, REMEMBERED_SECONDS)))) {
      throw new DpopProofProblem('The proof has been used before.');
    }
    return jkt;
  }

  /** §4.3 (10): this server gives a nonce to everybody, so it takes no proof without one. */
  private checkNonce(nonce: unknown): void {
    if (typeof nonce !== 'string' || !this.nonces.accepts(nonce)) {
      throw new UseDpopNonce(this.nonces.issue());
    }
  }
}
