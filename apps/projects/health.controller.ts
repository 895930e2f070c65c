import { Controller, Get, Inject, ServiceUnavailableException } from '@nestjs/common';
import { Public } from '@core-auth/module-kit';
import { ProjectsRepository } from './projects.repository.js';

@Controller('health')
@Public()
export class HealthController {
  constructor(@Inject(ProjectsRepository) private readonly projects: ProjectsRepository) {}

  /** The process runs; looks at no dependency, for a restart would not mend one. */
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** The process can serve: its database answers. */
  @Get('ready')
  async ready(): Promise<{ status: 'ok' }> {
    try {
      await this.projects.ping();
    } catch {
      throw new ServiceUnavailableException();
    }
    return { status: 'ok' };
  }
}
