import { Module, type DynamicModule } from '@nestjs/common';
import { ModuleKitModule } from '@core-auth/module-kit';
import { AssetsController } from './assets.controller.js';
import { ProjectsDatabase } from './database.js';
import { HealthController } from './health.controller.js';
import { kitPages } from './pages/kit-pages.js';
import { ProjectsApiController } from './projects-api.controller.js';
import { ProjectsController } from './projects.controller.js';
import { ProjectsRepository } from './projects.repository.js';
import { ProjectsService } from './projects.service.js';
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
          moduleKey: 'projects',
          moduleName: 'Projects',
          scopes: ['openid', 'profile', 'email', 'projects:read', 'projects:write'],
          pages: kitPages,
        }),
      ],
      controllers: [ProjectsController, ProjectsApiController, HealthController, AssetsController],
      providers: [
        { provide: ProjectsDatabase, useFactory: () => new ProjectsDatabase(settings.DATABASE_URL) },
        ProjectsRepository,
        ProjectsService,
      ],
    };
  }
}
