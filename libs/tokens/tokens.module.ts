import { Module } from '@nestjs/common';
import { AccessTokens } from './access-token.js';
import { IdTokens } from './id-token.js';
import { KeyRepository } from './key.repository.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';
import { KeySchedule } from './key-schedule.js';
import { LicenseKeys } from './license-keys.js';
import { OpaqueAccessTokens } from './opaque-access-token.js';
import { OpaqueTokens } from './opaque-token.js';

@Module({
  providers: [
    KeyRepository,
    KeyRing,
    KeyRotation,
    KeySchedule,
    AccessTokens,
    OpaqueAccessTokens,
    IdTokens,
    OpaqueTokens,
    LicenseKeys,
  ],
  exports: [
    KeyRing,
    KeyRotation,
    KeySchedule,
    AccessTokens,
    OpaqueAccessTokens,
    IdTokens,
    OpaqueTokens,
    LicenseKeys,
  ],
})
export class TokensModule {}
