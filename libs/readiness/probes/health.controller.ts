import { Controller, Get } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  TypeOrmHealthIndicator,
  type HealthCheckResult,
} from '@nestjs/terminus';
import { Public } from '#platform';
import { MigrationsIndicator, ProcessIndicator, RedisIndicator, SigningKeyIndicator } from './indicators.js';

const DATABASE_PATIENCE = 1_000;

/** What an orchestrator asks. 503 tells it to wait (startup), to send nobody here (ready), to start again (live). */
@Controller('health')
@Public()
export class HealthController {
  private started = false;

  constructor(
    private readonly health: HealthCheckService,
    private readonly database: TypeOrmHealthIndicator,
    private readonly migrations: MigrationsIndicator,
    private readonly signingKey: SigningKeyIndicator,
    private readonly redis: RedisIndicator,
    private readonly process: ProcessIndicator,
  ) {}

  /** Looks at no dependency: starting again mends none of them. */
  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.process.alive()]);
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.process.notStopping(),
      () => this.database.pingCheck('database').withTimeout(DATABASE_PATIENCE),
      () => this.migrations.applied(),
      () => this.signingKey.loaded(),
      () => this.redis.reachable(),
    ]);
  }

  /** Once up it stays so: what fails later is for the other two to tell. */
  @Get('startup')
  @HealthCheck()
  async startup(): Promise<HealthCheckResult> {
    if (this.started) return this.health.check([() => this.process.alive()]);
    const result = await this.health.check([
      () => this.database.pingCheck('database').withTimeout(DATABASE_PATIENCE),
      () => this.migrations.applied(),
      () => this.signingKey.loaded(),
    ]);
    this.started = true;
    return result;
  }
}
