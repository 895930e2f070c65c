import { Module, type DynamicModule } from '@nestjs/common';
import { ModuleKitModule } from '@core-auth/module-kit';
import { AssetsController } from './assets.controller.js';
import { HealthController } from './health.controller.js';
import { kitPages } from './pages/kit-pages.js';
import { ProjectsClient } from './projects-client.js';
import { ReportsController } from './reports.controller.js';
import type { Settings } from './settings.js';

@Module({})
export class AppModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ModuleKitModule.forRoot({
          coreAuthUrl: settings.CORE_AUTH_URL,
          coreAuthInternalUrl: settings.CORE_AUTH_INTERNAL_URL,
          clientId: settings.OAUTH_CLIENT_ID,
          clientSecret: settings.OAUTH_CLIENT_SECRET,
          moduleUrl: settings.MODULE_URL,
          moduleKey: 'reports',
          moduleName: 'Reports',
          // projects:read makes the person's token good for the projects module too
          scopes: ['openid', 'profile', 'email', 'reports:read', 'projects:read'],
          pages: kitPages,
        }),
      ],
      controllers: [ReportsController, HealthController, AssetsController],
      providers: [{ provide: ProjectsClient, useFactory: () => new ProjectsClient(settings.PROJECTS_URL) }],
    };
  }
}
