import { Module } from '@nestjs/common';
import { LicensingModule } from '#licensing';
import { SessionsModule } from '#sessions';
import { TokensModule } from '#tokens';
import { AuthorizationExpiry } from './authorization/authorization-expiry.js';
import { AuthorizationExpiryRepository } from './authorization/authorization-expiry.repository.js';
import { AuthorizationRepository } from './authorization/authorization.repository.js';
import { AuthorizedApplicationRepository } from './authorization/authorized-application.repository.js';
import { Authorize } from './authorization/authorize.js';
import { ConsentRepository } from './authorization/consent.repository.js';
import { PushedRequestRepository } from './authorization/pushed-request.repository.js';
import { RequestStart } from './authorization/request-start.js';
import { SubmittedRequests } from './authorization/submitted-request.js';
import { ClientAssertions } from './clients/client-assertion.js';
import { ClientAuthenticator } from './clients/client-authentication.js';
import { ClientDirectory } from './clients/client-directory.js';
import { ClientMetadataDocuments } from './clients/client-metadata-documents.js';
import { ClientKeys } from './clients/client-keys.js';
import { ClientRepository } from './clients/client.repository.js';
import { PublicOrigins } from './clients/public-origins.js';
import { DeviceAuthorizationController } from './device/device-authorization.controller.js';
import { DeviceAuthorizationRepository } from './device/device-authorization.repository.js';
import { DeviceVerification } from './device/device-verification.js';
import { UserCodeGuessRepository } from './device/user-code-guess.repository.js';
import { DiscoveryController } from './discovery/discovery.controller.js';
import { DpopNonces } from './dpop/dpop-nonces.js';
import { DpopProofs } from './dpop/dpop-proofs.js';
import { UsedJtiRepository } from './dpop/used-jti.repository.js';
import { EventPolling } from './events/event-polling.js';
import { EventReceiverRepository } from './events/event-receiver.repository.js';
import { PollController } from './events/poll.controller.js';
import { SecurityEventTokens } from './events/security-event-tokens.js';
import { ExpiryRepository } from './expiry.repository.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { IssuancePolicy } from './issuance-policy.js';
import { BackChannelLogout } from './logout/back-channel-logout.js';
import { EndSession } from './logout/end-session.js';
import { LiveTokens } from './live-tokens.js';
import { LogoutController } from './logout/logout.controller.js';
import { LogoutDeliveryRepository } from './logout/logout-delivery.repository.js';
import { ModuleDirectory } from './module-directory.js';
import { ParController } from './par/par.controller.js';
import { ClientRegistration } from './registration/client-registration.js';
import { RegisteredClientRepository } from './registration/registered-client.repository.js';
import { RegistrationController } from './registration/registration.controller.js';
import { RevocationController } from './revocation/revocation.controller.js';
import { RevokedTokenRepository } from './revocation/revoked-token.repository.js';
import { AuthorizationCodeGrant } from './token/grants/authorization-code.grant.js';
import { ClientCredentialsGrant } from './token/grants/client-credentials.grant.js';
import { DeviceCodeGrant } from './token/grants/device-code.grant.js';
import { RefreshTokenGrant } from './token/grants/refresh-token.grant.js';
import { TokenExchangeGrant } from './token/grants/token-exchange.grant.js';
import { ExchangeRepository } from './token/exchange/exchange.repository.js';
import { AccessTokenIssuer } from './token/access-token-issuer.js';
import { Issuance } from './token/issuance.js';
import { TokenController } from './token/token.controller.js';
import { TokenResponses } from './token/token-response.js';
import { UserinfoController } from './userinfo/userinfo.controller.js';

@Module({
  imports: [TokensModule, SessionsModule, LicensingModule],
  controllers: [
    DeviceAuthorizationController,
    DiscoveryController,
    IntrospectionController,
    LogoutController,
    ParController,
    PollController,
    RegistrationController,
    RevocationController,
    TokenController,
    UserinfoController,
  ],
  providers: [
    AccessTokenIssuer,
    AuthorizationCodeGrant,
    AuthorizationExpiry,
    AuthorizationExpiryRepository,
    AuthorizationRepository,
    Authorize,
    AuthorizedApplicationRepository,
    BackChannelLogout,
    ClientAssertions,
    ClientAuthenticator,
    ClientCredentialsGrant,
    ClientDirectory,
    ClientKeys,
    ClientMetadataDocuments,
    ClientRegistration,
    ClientRepository,
    ConsentRepository,
    DeviceAuthorizationRepository,
    DeviceCodeGrant,
    DeviceVerification,
    DpopNonces,
    DpopProofs,
    EndSession,
    EventPolling,
    EventReceiverRepository,
    ExchangeRepository,
    ExpiryRepository,
    Issuance,
    IssuancePolicy,
    LiveTokens,
    LogoutDeliveryRepository,
    ModuleDirectory,
    PublicOrigins,
    PushedRequestRepository,
    RefreshTokenGrant,
    RegisteredClientRepository,
    RequestStart,
    RevokedTokenRepository,
    SecurityEventTokens,
    SubmittedRequests,
    TokenExchangeGrant,
    TokenResponses,
    UsedJtiRepository,
    UserCodeGuessRepository,
  ],
  exports: [
    Authorize,
    AuthorizedApplicationRepository,
    ClientAuthenticator,
    ClientDirectory,
    ClientRepository,
    ConsentRepository,
    DeviceVerification,
    DpopProofs,
    EndSession,
    ExpiryRepository,
    IssuancePolicy,
    LiveTokens,
    ModuleDirectory,
    PublicOrigins,
    RegisteredClientRepository,
  ],
})
export class OAuthModule {}
