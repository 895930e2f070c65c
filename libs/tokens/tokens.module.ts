import { Module } from '@nestjs/common';
import { AccessTokens } from './access-token.js';
import { IdTokens } from './id-token.js';
import { KeyRepository } from './key.repository.js';
import { KeyRing } from './key-ring.js';
import { OpaqueTokens } from './opaque-token.js';

@Module({
  providers: [KeyRepository, KeyRing, AccessTokens, IdTokens, OpaqueTokens],
  exports: [KeyRing, AccessTokens, IdTokens, OpaqueTokens],
})
export class TokensModule {}
