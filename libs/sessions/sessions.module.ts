import { Module } from '@nestjs/common';
import { AccountsModule } from '#accounts';
import { TokensModule } from '#tokens';
import { AddressChange } from './address-change.js';
import { Csrf } from './csrf.js';
import { DeviceCookie } from './device-cookie.js';
import { EndedPassword } from './ended-password.js';
import { FailureAudit } from './failure-audit.js';
import { KnownDeviceRepository } from './known-device.repository.js';
import { KnownDevices } from './known-devices.js';
import { FactorRepository } from './factors/factor.repository.js';
import { FactorTriesRepository } from './factors/factor-tries.repository.js';
import { Factors } from './factors/factors.js';
import { PasskeyRepository } from './factors/passkey.repository.js';
import { Passkeys } from './factors/passkeys.js';
import { PendingSignInRepository } from './factors/pending-sign-in.repository.js';
import { RecoveryCodeRepository } from './factors/recovery-code.repository.js';
import { SecondFactor } from './factors/second-factor.js';
import { SecondFactorRuleRepository } from './factors/second-factor-rule.repository.js';
import { TotpEnrolment } from './factors/totp-enrolment.js';
import { TotpRepository } from './factors/totp.repository.js';
import { WebAuthnChallengeRepository } from './factors/webauthn-challenge.repository.js';
import { LockoutRepository } from './lockout.repository.js';
import { OperatorRule } from './operator-rule.js';
import { OwnSessionsRepository } from './own-sessions.repository.js';
import { PasswordChange } from './password-change.js';
import { PasswordConfirmation } from './password-confirmation.js';
import { PasswordResets } from './password-reset.js';
import { PasswordRepository } from './password.repository.js';
import { Registration } from './registration.js';
import { PendingSignInCookie, SessionCookie } from './session-cookie.js';
import { SessionExpiry } from './session-expiry.js';
import { SessionLimitsRepository } from './session-limits.repository.js';
import { SessionRepository } from './session.repository.js';
import { SignIn } from './sign-in.js';
import { StepUp } from './step-up.js';
import { Unlock } from './unlock.js';
import { UnlockRepository } from './unlock.repository.js';

const FACTORS = [
  FactorRepository,
  FactorTriesRepository,
  Factors,
  OperatorRule,
  Passkeys,
  PendingSignInCookie,
  PendingSignInRepository,
  SecondFactorRuleRepository,
  StepUp,
  TotpEnrolment,
  WebAuthnChallengeRepository,
];

@Module({
  imports: [AccountsModule, TokensModule],
  providers: [
    ...FACTORS,
    PasskeyRepository,
    RecoveryCodeRepository,
    SecondFactor,
    TotpRepository,
    SessionRepository,
    OwnSessionsRepository,
    SessionLimitsRepository,
    SessionExpiry,
    SessionCookie,
    Csrf,
    DeviceCookie,
    FailureAudit,
    KnownDeviceRepository,
    KnownDevices,
    LockoutRepository,
    PasswordRepository,
    EndedPassword,
    SignIn,
    Unlock,
    UnlockRepository,
    AddressChange,
    PasswordChange,
    PasswordConfirmation,
    PasswordResets,
    Registration,
  ],
  exports: [
    ...FACTORS,
    SessionRepository,
    OwnSessionsRepository,
    SessionLimitsRepository,
    SessionCookie,
    Csrf,
    DeviceCookie,
    KnownDeviceRepository,
    KnownDevices,
    LockoutRepository,
    PasswordRepository,
    SignIn,
    Unlock,
    UnlockRepository,
    AddressChange,
    PasswordChange,
    PasswordResets,
    Registration,
  ],
})
export class SessionsModule {}
