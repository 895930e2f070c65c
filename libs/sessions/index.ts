export { ACR_VALUES, acrOf, reachedAcr } from './authentication-context.js';
export { AddressChange } from './address-change.js';
export type { Confirmation } from './password-confirmation.js';
export { Csrf } from './csrf.js';
export { deviceName } from './device-name.js';
export { DeviceCookie } from './device-cookie.js';
export { KnownDeviceRepository } from './known-device.repository.js';
export { KnownDevices } from './known-devices.js';
export {
  readFactorName,
  severalFactors,
  type FactorList,
  type Passkey,
  type Removal,
  type TotpFactor,
} from './factors/factor.js';
export { Factors } from './factors/factors.js';
export { FactorRepository } from './factors/factor.repository.js';
export { FactorTriesRepository } from './factors/factor-tries.repository.js';
export { LostFactorsRepository } from './factors/lost-factors.repository.js';
export { MOST_FACTORS } from './factors/passkey.repository.js';
export { Passkeys } from './factors/passkeys.js';
export { PendingSignInRepository, type PendingSignIn } from './factors/pending-sign-in.repository.js';
export {
  SecondFactorRuleRepository,
  type SecondFactorRule,
} from './factors/second-factor-rule.repository.js';
export type { PresentedFactor } from './factors/second-factor.js';
export { totpCode, totpStep } from './factors/totp.js';
export { TotpEnrolment, type TotpOffer } from './factors/totp-enrolment.js';
export { totpEnvelopeContext } from './factors/totp.repository.js';
export { WebAuthnChallengeRepository } from './factors/webauthn-challenge.repository.js';
export { LockoutRepository } from './lockout.repository.js';
export { PasswordChange } from './password-change.js';
export { PasswordResets } from './password-reset.js';
export { PasswordRepository } from './password.repository.js';
export { Registration } from './registration.js';
export { actorOf, sessionOf, type Session, type SessionRow, type SignedInPerson } from './session.js';
export { PendingSignInCookie, SessionCookie } from './session-cookie.js';
export { OperatorRule } from './operator-rule.js';
export { OwnSessionsRepository, type OwnSession } from './own-sessions.repository.js';
export { sessionLimitsProblem, type SessionLimits } from './session-limits.js';
export { SessionLimitsRepository } from './session-limits.repository.js';
export { passwordEndedMail } from './security-mails.js';
export { SessionRepository } from './session.repository.js';
export { SessionsModule } from './sessions.module.js';
export { SignIn, type SignedIn, type SignInBrowser } from './sign-in.js';
export {
  InsufficientAuthentication,
  StepUp,
  StepUpRequired,
  type Authentication,
  type StepUpDemand,
} from './step-up.js';
export { Unlock } from './unlock.js';
export { UnlockRepository } from './unlock.repository.js';
