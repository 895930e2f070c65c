export { ModuleKitModule } from './module-kit.module.js';
export {
  MODULE_KIT_OPTIONS,
  ModuleKitOptionsError,
  type ModuleKitOptions,
  type ResolvedOptions,
} from './options.js';
export { KitClock } from './clock.js';
export {
  CurrentOrganization,
  CurrentPrincipal,
  CurrentUse,
  CurrentUser,
  Metered,
  Public,
  RequireFeature,
  RequireLicense,
  RequirePermission,
  RequireScope,
  RequireSignIn,
  RequireToken,
  type UsageCounter,
} from './guards/decorators.js';
export type { CurrentOrganizationData, CurrentUserData, Principal } from './guards/principal.js';
export { SessionGate } from './guards/session-gate.js';
export { SignInRequired } from './guards/sign-in-required.js';
export { ProblemException, checkUnavailable, type ProblemOptions } from './http/problem.exception.js';
export type { KitReply, KitRequest } from './http/http-types.js';
export { LauncherLinks, type LauncherLink } from './launcher/launcher-links.js';
export { LicenseChecker, type LicenseQuestion } from './licenses/license-checker.js';
export { escapeHtml } from './pages/default-pages.js';
export { PageRenderer } from './pages/page-renderer.js';
export type { ErrorView, KitPages, PageAction, SignedOutView } from './pages/pages.js';
export { StreamHealth } from './events/stream-health.js';
export type { HealthSnapshot } from './health/health-snapshot.js';
export { ModuleHealth } from './health/module-health.js';
export { InvalidTokenError, type AccessTokenClaims } from './tokens/access-token.js';
export { DPOP_ALGORITHMS } from './tokens/dpop-proof.js';
export type { DpopReplayStore } from './tokens/dpop-replay-store.js';
export { TokenVerifier } from './tokens/token-verifier.js';
export { CoreAuthLicenses } from './node/core-auth-licenses.js';
export type { HeldLease } from './leases/held-leases.js';
export { SeatLeases } from './leases/seat-leases.js';
export type { DecisionCount, DecisionSource } from './licenses/decision-counts.js';
export { UsageRecorder } from './usage/usage-recorder.js';
export type { Use } from './usage/use.js';
