import { createHash, timingSafeEqual } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, errors, jwtVerify, type JWK } from 'jose';

/** RFC 9449 §5.1: asymmetric algorithms alone; those that Core Auth takes itself. */
export const DPOP_ALGORITHMS = ['PS256', 'ES256', 'EdDSA'] as const;
/** Seconds for which a proof is good, counted from its own clock. */
const MAX_AGE = 300;
/** Seconds that a client's clock may be ahead of ours. */
const MAX_AHEAD = 30;
/** From when a proof is accepted first, it could be accepted for at most this long, in milliseconds. */
export const PROOF_LIFETIME_MS = (MAX_AGE + MAX_AHEAD) * 1000;
/** Long enough for an RSA key and its signature. */
const MAX_LENGTH = 8192;
/** Characters of a modulus of 4096 bits, and of any sensible exponent and jti. */
const MAX_MODULUS = 684;
const MAX_EXPONENT = 8;
const MAX_JTI = 256;

/** What a proof must be about. */
export interface ProvedRequest {
  method: string;
  /** Absolute; query and fragment do not count. */
  url: string;
  accessToken: string;
  /** Thumbprint of the key that the token is bound to: its `cnf.jkt`. */
  jkt: string;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The proof is not one to accept; `reason` is public (RFC 9449 §7.1, `invalid_dpop_proof`). */
export class InvalidProofError extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = 'InvalidProofError';
  }
}

/**
 * Checks a proof in all but its one use (RFC 9449 §4.3).
 * @returns its `jti`
 * @throws InvalidProofError
 */
export async function verifyDpopProof(proof: string | undefined, request: ProvedRequest): Promise<string> {
  if (proof === undefined) throw new InvalidProofError('The request carries no DPoP proof');
  // §4.3 (1), (2): one header with one JWT; several headers are joined by commas, which no JWT contains
  if (proof.length > MAX_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(proof))
    throw new InvalidProofError('The DPoP header must contain one JWT');
  const { payload, jwk } = await verifySignature(proof, request.now);
  const { jti, iat, htm, htu, ath } = payload;
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI)
    throw new InvalidProofError('The proof has no usable jti');
  if (htm !== request.method) throw new InvalidProofError('The proof is for another method');
  if (typeof htu !== 'string' || addressOf(htu) !== addressOf(request.url))
    throw new InvalidProofError('The proof is for another address');
  const seconds = request.now / 1000;
  // §4.3 (11), §11.1: made just now, by whoever sends it
  if (typeof iat !== 'number' || iat < seconds - MAX_AGE || iat > seconds + MAX_AHEAD)
    throw new InvalidProofError('The proof is too old, or from the future');
  const hash = createHash('sha256').update(request.accessToken).digest('base64url');
  if (typeof ath !== 'string' || !same(ath, hash))
    throw new InvalidProofError('The proof is for another access token');
  // §4.3 (12): the key that signed is the one that the token is bound to (RFC 7638 thumbprint, §6.1)
  if (!same(await calculateJwkThumbprint(jwk, 'sha256'), request.jkt))
    throw new InvalidProofError('The access token is bound to another key');
  return jti;
}

/** §4.3 (4) to (7): type, algorithm, signature by the key in the header, and that one public. */
async function verifySignature(proof: string, now: number): Promise<{ payload: Claims; jwk: JWK }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(
      proof,
      (header, token) => {
        refuseOversized(header.jwk);
        return EmbeddedJWK(header, token);
      },
      {
        typ: 'dpop+jwt',
        algorithms: [...DPOP_ALGORITHMS],
        currentDate: new Date(now),
        clockTolerance: MAX_AHEAD,
      },
    );
    if (protectedHeader.jwk) return { payload, jwk: protectedHeader.jwk };
  } catch (error) {
    if (error instanceof InvalidProofError) throw error;
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'typ')
      throw new InvalidProofError('The type of the proof must be dpop+jwt');
    if (error instanceof errors.JOSEAlgNotAllowed)
      throw new InvalidProofError(`The proof must be signed by one of ${DPOP_ALGORITHMS.join(', ')}`);
  }
  // whatever else is wrong with it, jose and the keys it reads fail in ways of their own
  throw new InvalidProofError('The signature or the form of the proof is invalid');
}

type Claims = Readonly<Record<string, unknown>>;

/** Verifying takes longer with every bit, and anybody may send a key. */
function refuseOversized(jwk: JWK | undefined): void {
  if (String(jwk?.n ?? '').length > MAX_MODULUS || String(jwk?.e ?? '').length > MAX_EXPONENT)
    throw new InvalidProofError('The key of the proof is too large');
}

/** §4.3 (9): without query and fragment, after the normalization of RFC 3986 §6.2.2 and §6.2.3. */
function addressOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const path = url.pathname.replace(/%[0-9a-f]{2}/gi, (code) => {
    const character = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : code.toUpperCase();
  });
  return url.username === '' && url.password === '' ? url.origin + path : undefined;
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
