export { AccessTokens, type AccessTokenClaims, type AccessTokenGrant } from './access-token.js';
export { IdTokens, type IdTokenGrant, type IdTokenHint } from './id-token.js';
export { KeyRing, type SigningAlgorithm } from './key-ring.js';
export { OpaqueTokens, type OpaqueToken, type OpaqueTokenType } from './opaque-token.js';
export { TokensModule } from './tokens.module.js';
