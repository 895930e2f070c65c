import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { KitClock } from './clock.js';
import { EventListener } from './events/event-listener.js';
import { Revocations } from './events/revocations.js';
import { StreamHealth } from './events/stream-health.js';
import { KitExceptionFilter } from './guards/kit-exception.filter.js';
import { ModuleGuard } from './guards/module.guard.js';
import { SessionGate } from './guards/session-gate.js';
import { ModuleHealth } from './health/module-health.js';
import { CoreAuthClient } from './http/core-auth.client.js';
import { LauncherLinks } from './launcher/launcher-links.js';
import { LicenseChecker } from './licenses/license-checker.js';
import { SnapshotCache } from './licenses/snapshot-cache.js';
import { BackChannelLogoutController } from './logout/back-channel-logout.controller.js';
import { SignOutController } from './logout/sign-out.controller.js';
import { ProtectedResourceController } from './metadata/protected-resource.controller.js';
import { MODULE_KIT_OPTIONS, resolveOptions, type ModuleKitOptions } from './options.js';
import { PageRenderer } from './pages/page-renderer.js';
import { SessionCookie } from './session/session-cookie.js';
import { SessionRefresher } from './session/session-refresher.js';
import { CoreAuthStrategy } from './sign-in/core-auth.strategy.js';
import { SessionTokens } from './sign-in/session-tokens.js';
import { SignInController } from './sign-in/sign-in.controller.js';
import { SignInGuard } from './sign-in/sign-in.guard.js';
import { DpopProofs } from './tokens/dpop-proofs.js';
import { KeySet } from './tokens/key-set.js';
import { TokenVerifier } from './tokens/token-verifier.js';

const PROVIDERS: Provider[] = [
  KitClock,
  CoreAuthClient,
  KeySet,
  StreamHealth,
  Revocations,
  TokenVerifier,
  DpopProofs,
  SnapshotCache,
  LicenseChecker,
  LauncherLinks,
  EventListener,
  SessionTokens,
  SessionCookie,
  SessionRefresher,
  SessionGate,
  CoreAuthStrategy,
  SignInGuard,
  PageRenderer,
  ModuleHealth,
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
        { provide: APP_FILTER, useClass: KitExceptionFilter },
      ],
      exports: [
        MODULE_KIT_OPTIONS,
        KitClock,
        LicenseChecker,
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
