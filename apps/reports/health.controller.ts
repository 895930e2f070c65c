import { Controller, Get } from '@nestjs/common';
import { Public } from '@core-auth/module-kit';

@Controller('health')
@Public()
export class HealthController {
  /** The process runs; looks at no dependency, for a restart would not mend one. */
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** The process can serve: it keeps nothing of its own, and asks for what it shows with each request. */
  @Get('ready')
  ready(): { status: 'ok' } {
    return { status: 'ok' };
  }
}
