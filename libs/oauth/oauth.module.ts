import { Module } from '@nestjs/common';
import { LicensingModule } from '#licensing';
import { SessionsModule } from '#sessions';
import { TokensModule } from '#tokens';
import { AuthorizationRepository } from './authorization/authorization.repository.js';
import { Authorize } from './authorization/authorize.js';
import { AuthorizeController } from './authorization/authorize.controller.js';
import { ConsentRepository } from './authorization/consent.repository.js';
import { ClientAuthenticator } from './clients/client-authentication.js';
import { ClientDirectory } from './clients/client-directory.js';
import { ClientRepository } from './clients/client.repository.js';
import { DiscoveryController } from './discovery/discovery.controller.js';
import { ExpiryRepository } from './expiry.repository.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { IssuancePolicy } from './issuance-policy.js';
import { BackChannelLogout } from './logout/back-channel-logout.js';
import { EndSession } from './logout/end-session.js';
import { LiveTokens } from './live-tokens.js';
import { LogoutController } from './logout/logout.controller.js';
import { LogoutDeliveryRepository } from './logout/logout-delivery.repository.js';
import { ModuleDirectory } from './module-directory.js';
import { RevocationController } from './revocation/revocation.controller.js';
import { RevokedTokenRepository } from './revocation/revoked-token.repository.js';
import { AuthorizationCodeGrant } from './token/grants/authorization-code.grant.js';
import { ClientCredentialsGrant } from './token/grants/client-credentials.grant.js';
import { RefreshTokenGrant } from './token/grants/refresh-token.grant.js';
import { TokenController } from './token/token.controller.js';
import { TokenResponses } from './token/token-response.js';
import { UserinfoController } from './userinfo/userinfo.controller.js';

@Module({
  imports: [TokensModule, SessionsModule, LicensingModule],
  controllers: [
    AuthorizeController,
    DiscoveryController,
    IntrospectionController,
    LogoutController,
    RevocationController,
    TokenController,
    UserinfoController,
  ],
  providers: [
    AuthorizationCodeGrant,
    AuthorizationRepository,
    Authorize,
    BackChannelLogout,
    ClientAuthenticator,
    ClientCredentialsGrant,
    ClientDirectory,
    ClientRepository,
    ConsentRepository,
    EndSession,
    ExpiryRepository,
    IssuancePolicy,
    LiveTokens,
    LogoutDeliveryRepository,
    ModuleDirectory,
    RefreshTokenGrant,
    RevokedTokenRepository,
    TokenResponses,
  ],
  exports: [
    Authorize,
    ClientAuthenticator,
    ClientRepository,
    ConsentRepository,
    EndSession,
    ExpiryRepository,
    IssuancePolicy,
    LiveTokens,
    ModuleDirectory,
  ],
})
export class OAuthModule {}
