export { acrDemand, type AcrDemand } from './authorization/acr-demand.js';
export { AuthorizationError, type AuthorizationRequest } from './authorization/authorization-request.js';
export { AuthorizationRepository } from './authorization/authorization.repository.js';
export {
  AuthorizedApplicationRepository,
  type AuthorizedApplication,
} from './authorization/authorized-application.repository.js';
export { Authorize, type AuthorizationAnswer } from './authorization/authorize.js';
export { scopesOfClaims } from './authorization/claims-request.js';
export { pushedEnvelopeContext } from './authorization/pushed-request.repository.js';
export { ConsentRepository } from './authorization/consent.repository.js';
export { AUTHORIZATION_PATH } from './authorization/submitted-request.js';
export { answerUrl } from './authorization/authorization-request.js';
export { ClientAuthenticator } from './clients/client-authentication.js';
export { clientGone, isClientGone } from './clients/client-gone.js';
export { ClientDirectory } from './clients/client-directory.js';
export { ClientAdministration, type ClientState } from './clients/client-administration.repository.js';
export { clientPolicy } from './clients/client-policy-document.js';
export { GRANT_TYPES, MAX_LIFETIME, type Client } from './clients/client.js';
export { ClientRepository, type NewClient } from './clients/client.repository.js';
export { PublicOrigins } from './clients/public-origins.js';
export { DiscoveryController } from './discovery/discovery.controller.js';
export { DpopProofs } from './dpop/dpop-proofs.js';
export { DeviceVerification, type DeviceRequest } from './device/device-verification.js';
export { formatUserCode, readUserCode } from './device/user-code.js';
export { ExpiryRepository } from './expiry.repository.js';
export { IssuancePolicy, type Refusal } from './issuance-policy.js';
export { LiveTokens, type LiveToken } from './live-tokens.js';
export { carriedParameters, EndSession } from './logout/end-session.js';
export { ModuleDirectory, type Module } from './module-directory.js';
export * from './oauth.errors.js';
export { OAuthModule } from './oauth.module.js';
export { codeChallengeOf } from './pkce.js';
export { isLoopbackRedirectUri } from './redirect-uri.js';
export { InitialAccessTokenRepository } from './registration/initial-access-token.repository.js';
export {
  MAX_UNASKED_CLIENTS,
  RegisteredClientRepository,
} from './registration/registered-client.repository.js';
