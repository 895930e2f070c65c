export { AccessTokens, type AccessTokenClaims, type AccessTokenGrant } from './access-token.js';
export { IdTokens } from './id-token.js';
export { KeyRing, type SigningAlgorithm } from './key-ring.js';
export { OpaqueTokens, type OpaqueToken } from './opaque-token.js';
export { TokensModule } from './tokens.module.js';
