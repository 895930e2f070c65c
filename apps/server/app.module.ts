import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import { AccountsModule } from '#accounts';
import { EventsModule } from '#events';
import { LicensingModule } from '#licensing';
import { migrations } from '#migrations';
import { OAuthModule } from '#oauth';
import { loggerOptions, ObservabilityModule } from '#observability';
import { PlatformModule, type Clock, type Configuration } from '#platform';
import { ReadinessModule } from '#readiness';
import { SessionsModule } from '#sessions';
import { TokensModule } from '#tokens';
import { AccountController } from './account/account.controller.js';
import { FactorPages } from './account/factor-pages.js';
import { PasskeysController } from './account/passkeys.controller.js';
import { SecurityController } from './account/security.controller.js';
import { StepUpController } from './account/step-up.controller.js';
import { TotpController } from './account/totp.controller.js';
import { AddressController } from './account/address.controller.js';
import { PasswordController } from './account/password.controller.js';
import { AccountApiController } from './account/account-api.controller.js';
import { AccountFactorsApiController } from './account/account-factors-api.controller.js';
import { AccountPasskeysApiController } from './account/account-passkeys-api.controller.js';
import { AccountPasswordApiController } from './account/account-password-api.controller.js';
import { ApplicationsController } from './account/applications.controller.js';
import { AccountDataApiController } from './account/account-data-api.controller.js';
import { DataController } from './account/data.controller.js';
import { RecentToken } from './account/recent-token.js';
import { ProfileController } from './account/profile.controller.js';
import { SessionsController } from './account/sessions.controller.js';
import { LicensePage } from './console/license-page.js';
import { LicensePageController } from './console/license.controller.js';
import { LicensesPageController } from './console/licenses.controller.js';
import { ErrorFilter } from './error.filter.js';
import { MailboxController } from './mailbox/mailbox.controller.js';
import { Invitations } from './organization/invitations.service.js';
import { ORGANIZATION_CONTROLLERS } from './organization/organization-controllers.js';
import { ORGANIZATION_API_CONTROLLERS } from './organization/api/api-controllers.js';
import { OrganizationExports } from './organization/organization-exports.js';
import { SettingsPage } from './organization/settings-page.js';
import { AssetsController } from './pages/assets.controller.js';
import { AuthorizationAnswers } from './pages/authorization-answers.js';
import { AuthorizeController } from './pages/authorize.controller.js';
import { ChooseOrganizationController } from './pages/choose-organization.controller.js';
import { ConsentController } from './pages/consent.controller.js';
import { Contacts } from './pages/contacts.js';
import { DeviceController } from './pages/device.controller.js';
import { DeviceQrController } from './pages/device-qr.controller.js';
import { LauncherController } from './pages/launcher.controller.js';
import { LicenseRefusedController } from './pages/license-refused.controller.js';
import { BrowserCookies } from './pages/browser-cookies.js';
import { Pages } from './pages/pages.js';
import { PasskeySignInController } from './pages/passkey-sign-in.controller.js';
import { ReadinessPageController } from './pages/readiness.controller.js';
import { RegisterController } from './pages/register.controller.js';
import { ResetPasswordController } from './pages/reset-password.controller.js';
import { ReturnAddress } from './pages/return-address.js';
import { SecondFactorController } from './pages/second-factor.controller.js';
import { SignInController } from './pages/sign-in.controller.js';
import { SignOutController } from './pages/sign-out.controller.js';
import { UnlockController } from './pages/unlock.controller.js';
import { RateLimitGuard, rateLimiting } from './rate-limit.guard.js';
import { RefusedActs } from './refused-acts.js';
import { RoutePolicyGuard } from './route-policy.guard.js';
import { Sweeper } from './sweeper.js';

const ERRORS = [ErrorFilter, RefusedActs];

@Module({})
export class AppModule {
  static with(configuration: Configuration, clock?: Clock): DynamicModule {
    return {
      module: AppModule,
      imports: [
        LoggerModule.forRoot(loggerOptions(configuration.logLevel)),
        PlatformModule.with(configuration, migrations, clock),
        ObservabilityModule,
        EventsModule,
        TokensModule,
        AccountsModule,
        LicensingModule,
        SessionsModule,
        OAuthModule,
        ReadinessModule,
        rateLimiting(),
      ],
      controllers: [
        AccountApiController,
        AccountController,
        AccountDataApiController,
        AccountFactorsApiController,
        AccountPasskeysApiController,
        AccountPasswordApiController,
        AddressController,
        ApplicationsController,
        AssetsController,
        AuthorizeController,
        ChooseOrganizationController,
        ConsentController,
        DataController,
        DeviceController,
        DeviceQrController,
        LauncherController,
        LicenseRefusedController,
        LicensePageController,
        LicensesPageController,
        PasskeySignInController,
        PasskeysController,
        PasswordController,
        ...ORGANIZATION_API_CONTROLLERS,
        ...ORGANIZATION_CONTROLLERS,
        ProfileController,
        ReadinessPageController,
        RegisterController,
        ResetPasswordController,
        SecondFactorController,
        SecurityController,
        SessionsController,
        SignInController,
        SignOutController,
        StepUpController,
        TotpController,
        UnlockController,
        ...(configuration.mailbox ? [MailboxController] : []),
      ],
      providers: [
        AuthorizationAnswers,
        BrowserCookies,
        Contacts,
        ...ERRORS,
        FactorPages,
        Invitations,
        OrganizationExports,
        LicensePage,
        Pages,
        RateLimitGuard,
        RecentToken,
        ReturnAddress,
        SettingsPage,
        Sweeper,
        // in this order: a flood is counted before anything is looked at
        { provide: APP_GUARD, useExisting: RateLimitGuard },
        { provide: APP_GUARD, useClass: RoutePolicyGuard },
      ],
    };
  }
}
