/** FAPI 2.0 Security Profile §5.4.1: PS256, ES256, or EdDSA by its Ed25519 variant. */
export const FAPI_ALGORITHMS = ['ES256', 'PS256', 'EdDSA'] as const;

/**
 * Seconds by which somebody's clock may be ahead of ours: FAPI 2.0 Security Profile §5.3.2.1 has 10 accepted and more
 * than 60 refused.
 */
export const CLOCK_SKEW = 60;

const MAX_JTI = 256;

/** A `jti` (RFC 7519 §4.1.7) that can be remembered. */
export function isJti(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_JTI;
}
