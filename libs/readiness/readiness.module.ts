import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AccountsModule } from '#accounts';
import { OAuthModule } from '#oauth';
import { SessionsModule } from '#sessions';
import { TokensModule } from '#tokens';
import { ControlContexts } from './control-contexts.js';
import { HealthController } from './probes/health.controller.js';
import {
  MigrationsIndicator,
  ProcessIndicator,
  RedisIndicator,
  SigningKeyIndicator,
} from './probes/indicators.js';
import { ReadinessReporter } from './readiness-reporter.js';

@Module({
  imports: [
    TerminusModule.forRoot({ errorLogStyle: 'json' }),
    AccountsModule,
    OAuthModule,
    SessionsModule,
    TokensModule,
  ],
  controllers: [HealthController],
  providers: [
    ControlContexts,
    MigrationsIndicator,
    ProcessIndicator,
    ReadinessReporter,
    RedisIndicator,
    SigningKeyIndicator,
  ],
  exports: [ReadinessReporter],
})
export class ReadinessModule {}
