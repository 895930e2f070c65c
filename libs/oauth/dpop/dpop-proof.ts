import { createHash } from 'node:crypto';
import {
  calculateJwkThumbprint,
  decodeJwt,
  errors,
  importJWK,
  jwtVerify,
  type JWK,
  type JWTPayload,
} from 'jose';
import { numericDate, parseUri } from '#platform';
import { CLOCK_SKEW, FAPI_ALGORITHMS, isJti } from '../clients/jwt-rules.js';

/** RFC 9449 §5.1: asymmetric algorithms alone; those of FAPI 2.0 Security Profile §5.4.1. */
export const DPOP_ALGORITHMS = FAPI_ALGORITHMS;

/** Long enough for an RSA key and its signature; more is not even decoded. */
const MAX_LENGTH = 8192;
/** Seconds that a proof may be old by its own clock. */
const MAX_AGE = 300;
/** 4096 bits in base64url; verifying takes longer with every bit, and anybody may send a key. */
const MAX_MODULUS = 684;
const MAX_EXPONENT = 8;

/** What a proof is about: the request that it came with. */
export interface ProvedRequest {
  readonly method: string;
  /** Without query and fragment. */
  readonly url: string;
  /** The token that the request presents, at a protected resource. */
  readonly accessToken: string | undefined;
  readonly now: Date;
}

/** A proof that is right in all but what needs memory: its nonce and its one use. */
export interface DpopProof {
  /** JWK SHA-256 thumbprint of the key (RFC 7638). */
  readonly jkt: string;
  readonly jti: string;
  readonly nonce: string | undefined;
}

/** Why a proof is refused; public, since whoever sent it wrote it. */
export class DpopProofProblem extends Error {
  override readonly name = 'DpopProofProblem';
}

/**
 * Checks a proof by RFC 9449 §4.3.
 * @throws DpopProofProblem
 */
export async function readDpopProof(text: string, request: ProvedRequest): Promise<DpopProof> {
  // §4.3 (1), (2): one header with one JWT; several headers are joined by commas, which no JWT contains
  if (text.length > MAX_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) {
    throw new DpopProofProblem('The DPoP header must contain one JWT.');
  }
  const { claims, jwk } = await verifySignature(text, request.now);
  checkClaims(claims, request);
  const { jti, nonce } = claims;
  // §4.2: jti is what tells proofs apart
  if (!isJti(jti)) throw new DpopProofProblem('The jti of the proof is missing or too long.');
  if (nonce !== undefined && typeof nonce !== 'string') {
    throw new DpopProofProblem('The nonce of the proof is no text.');
  }
  return { jkt: await calculateJwkThumbprint(jwk, 'sha256'), jti, nonce };
}

/** What a proof says, when it is short enough to be looked at and a JWT. */
export function unverifiedClaims(text: string): JWTPayload | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  try {
    return decodeJwt(text);
  } catch {
    return undefined;
  }
}

/** §4.3 (4) to (7): type, algorithm, signature, and a key without private parts. */
async function verifySignature(text: string, now: Date): Promise<{ claims: JWTPayload; jwk: JWK }> {
  let jwk: JWK | undefined;
  try {
    const { payload } = await jwtVerify(
      text,
      async (header) => {
        jwk = publicKeyOf(header.jwk);
        return importJWK(jwk, header.alg);
      },
      {
        typ: 'dpop+jwt',
        algorithms: [...DPOP_ALGORITHMS],
        currentDate: now,
        clockTolerance: CLOCK_SKEW,
      },
    );
    if (jwk) return { claims: payload, jwk };
  } catch (error) {
    if (error instanceof DpopProofProblem) throw error;
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'typ') {
      throw new DpopProofProblem('The type of the proof must be dpop+jwt.');
    }
    if (error instanceof errors.JOSEAlgNotAllowed) {
      throw new DpopProofProblem(`The proof must be signed by one of ${DPOP_ALGORITHMS.join(', ')}.`);
    }
  }
  // whatever else is wrong with it, jose and the keys it reads fail in ways of their own
  throw new DpopProofProblem('The signature or the form of the proof is invalid.');
}

/** Members that RFC 7518 §6 gives to private and symmetric keys. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** What makes up a key (RFC 7638 §3.2, RFC 8037 §2). */
const PUBLIC_MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['EC', ['kty', 'crv', 'x', 'y']],
  ['OKP', ['kty', 'crv', 'x']],
  ['RSA', ['kty', 'n', 'e']],
]);

/** Only the members that make up the public key: whatever else is said of it does not count. */
function publicKeyOf(given: JWK | undefined): JWK {
  if (typeof given !== 'object' || given === null) throw new DpopProofProblem('The proof contains no jwk.');
  const key: Readonly<Record<string, unknown>> = { ...given };
  if (PRIVATE_MEMBERS.some((member) => key[member] !== undefined)) {
    throw new DpopProofProblem('The jwk of the proof must not contain a private key.');
  }
  const members = (PUBLIC_MEMBERS.get(key['kty']) ?? []).map((name) => [name, key[name]] as const);
  if (members.length === 0 || !members.every(([, value]) => typeof value === 'string' && value !== '')) {
    throw new DpopProofProblem('The jwk of the proof is no public key.');
  }
  const jwk = Object.fromEntries(members) as JWK;
  if ((jwk.n?.length ?? 0) > MAX_MODULUS || (jwk.e?.length ?? 0) > MAX_EXPONENT) {
    throw new DpopProofProblem('The jwk of the proof is too large.');
  }
  return jwk;
}

/** §4.3 (8), (9), (11), (12) */
function checkClaims(claims: JWTPayload, { method, url, accessToken, now }: ProvedRequest): void {
  if (claims['htm'] !== method) throw new DpopProofProblem('The htm of the proof is not the method used.');
  const htu = claims['htu'];
  if (typeof htu !== 'string' || comparableUrl(htu) !== comparableUrl(url)) {
    throw new DpopProofProblem('The htu of the proof is not the address used.');
  }
  const age = numericDate(now) - (claims.iat ?? Number.NaN);
  if (!(age >= -CLOCK_SKEW && age <= MAX_AGE)) {
    throw new DpopProofProblem('The iat of the proof is missing, too old or in the future.');
  }
  if (accessToken !== undefined && claims['ath'] !== accessTokenHash(accessToken)) {
    throw new DpopProofProblem('The ath of the proof is not the hash of the access token.');
  }
}

/** §4.2: base64url of the SHA-256 of the ASCII of the token. */
function accessTokenHash(accessToken: string): string {
  return createHash('sha256').update(accessToken, 'ascii').digest('base64url');
}

/** Of what the headers of a request hold, and more than any address of ours. */
const MAX_HTU = 16_384;

/** §4.3 (9): without query and fragment, normalized by syntax and scheme (RFC 3986 §6.2.2, §6.2.3). */
export function comparableUrl(text: string): string | undefined {
  const url = /^https?:\/\//i.test(text) ? parseUri(text, MAX_HTU) : undefined;
  if (!url) return undefined;
  url.search = '';
  url.hash = '';
  return url.href.replace(/%[\da-f]{2}/gi, (octet) => {
    const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : octet.toUpperCase();
  });
}
