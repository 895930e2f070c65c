import { Body, Controller, Get, Injectable, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  CurrentOrganization,
  CurrentUse,
  CurrentUser,
  KitClock,
  Metered,
  ModuleKitModule,
  Public,
  RequireFeature,
  RequireLicense,
  RequirePermission,
  RequireScope,
  RequireSignIn,
  StreamHealth,
  type CurrentOrganizationData,
  type CurrentUserData,
  type ModuleKitOptions,
  type Use,
  type UsageCounter,
} from '@core-auth/module-kit';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/answers.js';
import { freePort } from '../support/ports.js';
import { CLIENT } from './fake-core-auth.js';

/** How often a handler ran. */
export const handled = { renders: 0 };

/** How many projects the test module claims to have. */
export const usage = { projects: 0 };

@Injectable()
class Usage implements UsageCounter {
  async countUsage(): Promise<number> {
    return usage.projects;
  }
}

@Controller()
class Routes {
  @Get('open')
  @Public()
  open() {
    return { ok: true };
  }

  @Get('undeclared')
  undeclared() {
    return { ok: true };
  }

  @Get('api/read')
  @RequireScope('projects:read')
  read(@CurrentUser() user: CurrentUserData, @CurrentOrganization() organization: CurrentOrganizationData) {
    return { user: user.id, organization: organization.key };
  }

  @Get('api/admin')
  @RequireScope('projects:admin')
  admin() {
    return { ok: true };
  }

  @Get('api/archive')
  @RequireScope('projects:read')
  @RequirePermission('projects:archive')
  archive() {
    return { ok: true };
  }

  @Get('api/licensed')
  @RequireScope('projects:read')
  @RequireLicense('projects')
  licensed() {
    return { ok: true };
  }

  @Get('api/export')
  @RequireScope('projects:read')
  @RequireFeature('export')
  exported() {
    return { ok: true };
  }

  @Get('api/limited')
  @RequireScope('projects:read')
  @RequireFeature('projects', { current: Usage })
  limited() {
    return { ok: true };
  }

  /** Names an organization in its path, as some modules do; whose license counts is the token's alone. */
  @Post('api/organizations/:organization/licensed')
  @RequireScope('projects:read')
  @RequireLicense('projects')
  licensedIn(@CurrentOrganization() organization: CurrentOrganizationData) {
    return { organization: organization.id };
  }

  @Get('api/rendered')
  @RequireScope('projects:read')
  @Metered('renders')
  rendered(@CurrentUse() { used, remaining }: Use) {
    return { used, remaining };
  }

  @Post('api/renders')
  @RequireScope('projects:read')
  @RequireFeature('export')
  @Metered('renders', 2)
  render(@CurrentUse() { used, remaining }: Use) {
    handled.renders += 1;
    return { used, remaining };
  }

  @Get('page')
  @RequireSignIn()
  page(@CurrentUser() user: CurrentUserData, @CurrentOrganization() organization: CurrentOrganizationData) {
    return { name: user.name, organization: organization.name };
  }

  @Post('change')
  @RequireSignIn()
  change(@Body() _body: unknown) {
    return { changed: true };
  }
}

/** A clock by which a test lets time pass, or which it sets as an administrator of the host would. */
export class ShiftedClock extends KitClock {
  /** Time that has passed beside the real one. */
  aheadMs = 0;
  /** By how much the host's clock was set to another time. */
  setMs = 0;
  /** What time it is, where a test holds it; whatever Core Auth's own answers say. */
  held: (() => number) | undefined;
  override hear(date: string | null): void {
    if (!this.held) super.hear(date);
  }
  protected override host(): number {
    return this.held?.() ?? Date.now() + this.aheadMs + this.setMs;
  }
  protected override ticks(): number {
    return this.held?.() ?? performance.timeOrigin + performance.now() + this.aheadMs;
  }
}

export interface GuardedModule {
  app: NestFastifyApplication;
  url: string;
  clock: ShiftedClock;
  /** Waits until the event stream is heard. */
  listening(): Promise<void>;
  /** Lets time pass until the event stream counts as silent, which nothing is sent on any more. */
  silent(): Promise<void>;
  stop(): Promise<void>;
}

/** A small product module with the kit in it, listening on a port of its own. */
export async function startModule(
  core: { readonly issuer: string },
  options: Partial<ModuleKitOptions> = {},
): Promise<GuardedModule> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const kit = ModuleKitModule.forRoot({
    coreAuthUrl: core.issuer,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    moduleUrl: url,
    moduleKey: 'projects',
    moduleName: 'Projects',
    scopes: ['openid', 'profile', 'email', 'offline_access', 'projects:read', 'projects:write'],
    // longer than a busy machine keeps a heartbeat waiting
    streamSilenceMs: 2000,
    requestTimeoutMs: 1000,
    ...options,
  });
  const clock = new ShiftedClock();
  kit.providers = (kit.providers ?? []).map((provider) =>
    provider === KitClock ? { provide: KitClock, useValue: clock } : provider,
  );
  class TestModule {}
  Module({ imports: [kit], controllers: [Routes], providers: [Usage] })(TestModule);
  const app = await NestFactory.create<NestFastifyApplication>(TestModule, new FastifyAdapter(), {
    logger: false,
  });
  await app.listen(port, '127.0.0.1');
  const health = app.get(StreamHealth);
  return {
    app,
    url,
    clock,
    async listening() {
      await eventually(() => health.hearing || undefined, 'the event stream');
    },
    async silent() {
      // step by step: what was on its way is still heard
      while (health.hearing) {
        clock.aheadMs += 100;
        await sleep(5);
      }
    },
    stop: () => app.close(),
  };
}
