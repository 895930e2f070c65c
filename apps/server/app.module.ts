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
import { ApplicationsController } from './account/applications.controller.js';
import { ProfileController } from './account/profile.controller.js';
import { SessionsController } from './account/sessions.controller.js';
import { LicensesPageController } from './console/licenses.controller.js';
import { ErrorFilter } from './error.filter.js';
import { MailboxController } from './mailbox/mailbox.controller.js';
import { Invitations } from './organization/invitations.service.js';
import { ORGANIZATION_CONTROLLERS } from './organization/organization-controllers.js';
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
import { RoutePolicyGuard } from './route-policy.guard.js';
import { Sweeper } from './sweeper.js';

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
        AddressController,
        ApplicationsController,
        AssetsController,
        AuthorizeController,
        ChooseOrganizationController,
        ConsentController,
        DeviceController,
        DeviceQrController,
        LauncherController,
        LicenseRefusedController,
        LicensesPageController,
        PasskeySignInController,
        PasskeysController,
        PasswordController,
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
        ErrorFilter,
        FactorPages,
        Invitations,
        Pages,
        RateLimitGuard,
        ReturnAddress,
        Sweeper,
        // in this order: a flood is counted before anything is looked at
        { provide: APP_GUARD, useExisting: RateLimitGuard },
        { provide: APP_GUARD, useClass: RoutePolicyGuard },
      ],
    };
  }
}
