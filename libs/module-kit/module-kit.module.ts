import { Logger, Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { KitClock } from './clock.js';
import { Revocations } from './events/revocations.js';
import { StreamHealth } from './events/stream-health.js';
import { BearerGate } from './guards/bearer-gate.js';
import { KitExceptionFilter } from './guards/kit-exception.filter.js';
import { ModuleGuard } from './guards/module.guard.js';
import { SessionGate } from './guards/session-gate.js';
import { ModuleHealth } from './health/module-health.js';
import { CoreAuthClient } from './http/core-auth.client.js';
import { LauncherLinks } from './launcher/launcher-links.js';
import { SeatLeases } from './leases/seat-leases.js';
import { LicenseChecker } from './licenses/license-checker.js';
import { SnapshotCache } from './licenses/snapshot-cache.js';
import { BackChannelLogoutController } from './logout/back-channel-logout.controller.js';
import { SignOutController } from './logout/sign-out.controller.js';
import { ProtectedResourceController } from './metadata/protected-resource.controller.js';
import { NestLifecycle } from './nest-lifecycle.js';
import { CoreAuthLicenses } from './node/core-auth-licenses.js';
import {
  MODULE_KIT_OPTIONS,
  resolveOptions,
  type ModuleKitOptions,
  type ResolvedOptions,
} from './options.js';
import { PageRenderer } from './pages/page-renderer.js';
import { SessionCookie } from './session/session-cookie.js';
import { SessionRefresher } from './session/session-refresher.js';
import { CoreAuthStrategy } from './sign-in/core-auth.strategy.js';
import { SessionTokens } from './sign-in/session-tokens.js';
import { SignInController } from './sign-in/sign-in.controller.js';
import { SignInGuard } from './sign-in/sign-in.guard.js';
import { KeySet } from './tokens/key-set.js';
import { TokenVerifier } from './tokens/token-verifier.js';
import { MeteredInterceptor } from './usage/metered.interceptor.js';
import { UsageRecorder } from './usage/usage-recorder.js';

/** What the core, which knows nothing of Nest, has for the classes that do. */
function partOfCore<Part>(
  type: abstract new (...args: never[]) => Part,
  part: (core: CoreAuthLicenses) => Part,
): Provider {
  return { provide: type, useFactory: part, inject: [CoreAuthLicenses] };
}

const PROVIDERS: Provider[] = [
  KitClock,
  {
    provide: CoreAuthLicenses,
    useFactory: (options: ResolvedOptions, clock: KitClock) =>
      new CoreAuthLicenses(options, clock, (part) => new Logger(part)),
    inject: [MODULE_KIT_OPTIONS, KitClock],
  },
  partOfCore(CoreAuthClient, ({ client }) => client),
  partOfCore(KeySet, ({ keys }) => keys),
  partOfCore(StreamHealth, ({ stream }) => stream),
  partOfCore(Revocations, ({ revocations }) => revocations),
  partOfCore(TokenVerifier, ({ tokens }) => tokens),
  partOfCore(BearerGate, ({ bearers }) => bearers),
  partOfCore(SnapshotCache, ({ snapshots }) => snapshots),
  partOfCore(LicenseChecker, ({ checker }) => checker),
  partOfCore(UsageRecorder, ({ uses }) => uses),
  partOfCore(SeatLeases, ({ leases }) => leases),
  partOfCore(LauncherLinks, ({ launcher }) => launcher),
  partOfCore(ModuleHealth, ({ health }) => health),
  NestLifecycle,
  SessionTokens,
  SessionCookie,
  SessionRefresher,
  SessionGate,
  CoreAuthStrategy,
  SignInGuard,
  PageRenderer,
];

/** Everything a product module installs to be signed in to, guarded and licensed by Core Auth. */
@Module({})
export class ModuleKitModule {
  /**
   * Global: guards and filter keep every route of the application. Throws `ModuleKitOptionsError`, which names each
   * option that is missing or wrong.
   */
  static forRoot(options: ModuleKitOptions): DynamicModule {
    return {
      module: ModuleKitModule,
      global: true,
      controllers: [
        SignInController,
        SignOutController,
        BackChannelLogoutController,
        ProtectedResourceController,
      ],
      providers: [
        { provide: MODULE_KIT_OPTIONS, useValue: resolveOptions(options) },
        ...PROVIDERS,
        { provide: APP_GUARD, useClass: ModuleGuard },
        { provide: APP_INTERCEPTOR, useClass: MeteredInterceptor },
        { provide: APP_FILTER, useClass: KitExceptionFilter },
      ],
      exports: [
        MODULE_KIT_OPTIONS,
        KitClock,
        CoreAuthLicenses,
        LicenseChecker,
        UsageRecorder,
        SeatLeases,
        LauncherLinks,
        TokenVerifier,
        StreamHealth,
        ModuleHealth,
        PageRenderer,
        SessionGate,
      ],
    };
  }
}
