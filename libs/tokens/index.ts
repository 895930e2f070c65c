export { AccessTokens } from './access-token.js';
export type { AccessTokenClaims, AccessTokenGrant, Actor } from './access-token-claims.js';
export { IdTokens } from './id-token.js';
export {
  JWKS_MAX_AGE,
  KEY_KINDS,
  LONGEST_TOKEN,
  SCHEDULED_KINDS,
  type KeyKind,
  type SigningAlgorithm,
} from './key-lifecycle.js';
export { KeyRing } from './key-ring.js';
export { KeyRepository } from './key.repository.js';
export { KeyRotation, type ListedKey, type Revocation, type Rotation } from './key-rotation.js';
export { KeySchedule } from './key-schedule.js';
export { contextOf as keyEnvelopeContext } from './key-generation.js';
export { signJws } from './jws.js';
export type { LicenseKey } from './key-generation.js';
export { LicenseKeys } from './license-keys.js';
export { OpaqueAccessTokens } from './opaque-access-token.js';
export { OpaqueTokens, type OpaqueToken } from './opaque-token.js';
export { TokensModule } from './tokens.module.js';
