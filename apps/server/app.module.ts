import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import { AccountsModule } from '#accounts';
import { EventsModule } from '#events';
import { LicensingModule } from '#licensing';
import { migrations } from '#migrations';
import { OAuthModule } from '#oauth';
import { loggerOptions } from '#observability';
import { PlatformModule, type Clock, type Configuration } from '#platform';
import { ReadinessModule } from '#readiness';
import { SessionsModule } from '#sessions';
import { TokensModule } from '#tokens';
import { LicensesPageController } from './console/licenses.controller.js';
import { ErrorFilter } from './error.filter.js';
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
import { Pages } from './pages/pages.js';
import { ReadinessPageController } from './pages/readiness.controller.js';
import { ReturnAddress } from './pages/return-address.js';
import { SignInController } from './pages/sign-in.controller.js';
import { SignOutController } from './pages/sign-out.controller.js';
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
        AssetsController,
        AuthorizeController,
        ChooseOrganizationController,
        ConsentController,
        DeviceController,
        DeviceQrController,
        LauncherController,
        LicenseRefusedController,
        LicensesPageController,
        ReadinessPageController,
        SignInController,
        SignOutController,
      ],
      providers: [
        AuthorizationAnswers,
        Contacts,
        ErrorFilter,
        Pages,
        ReturnAddress,
        Sweeper,
        // in this order: a flood is counted before anything is looked at
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: RoutePolicyGuard },
      ],
    };
  }
}
