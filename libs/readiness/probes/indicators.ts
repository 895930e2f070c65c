import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Database, RedisConnection } from '#platform';
import { KeyRing } from '#tokens';
import { ControlContexts } from '../control-contexts.js';
import { DatabaseEvidence } from '../controls/config/database.repository.js';

/** Milliseconds. */
const PATIENCE = 1000;

@Injectable()
export class ProcessIndicator implements OnModuleDestroy {
  private stopping = false;

  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly contexts: ControlContexts,
  ) {}

  /** The first step of a shutdown, before any connection is closed. */
  onModuleDestroy(): void {
    this.stopping = true;
  }

  /** Names the instance, so that a probe from outside can tell whose answer it got. */
  alive(): HealthIndicatorResult {
    return this.indicators.check('process').up({ instance: this.contexts.instance });
  }

  notStopping(): HealthIndicatorResult {
    const process = this.indicators.check('process');
    return this.stopping ? process.down('stopping') : process.up();
  }
}

@Injectable()
export class MigrationsIndicator {
  private readonly evidence: DatabaseEvidence;

  constructor(
    private readonly indicators: HealthIndicatorService,
    database: Database,
  ) {
    this.evidence = new DatabaseEvidence(database);
  }

  /** Every migration of this build; one of a newer build beside them is a deployment under way, and no harm. */
  async applied(): Promise<HealthIndicatorResult> {
    const migrations = this.indicators.check('migrations');
    try {
      const applied = await Promise.race([this.evidence.appliedMigrations(), late()]);
      const pending = this.evidence.expectedMigrations.filter((name) => !applied.includes(name));
      return pending.length === 0 ? migrations.up() : migrations.down(`${pending.length} pending`);
    } catch {
      return migrations.down('the database does not answer');
    }
  }
}

/** Gives up on a database that accepts connections and then says nothing: a probe must answer in time. */
function late(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('no answer within a second')), PATIENCE).unref();
  });
}

@Injectable()
export class SigningKeyIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly keyRing: KeyRing,
  ) {}

  loaded(): HealthIndicatorResult {
    const signingKey = this.indicators.check('signing-key');
    return this.keyRing.loaded ? signingKey.up() : signingKey.down('not loaded');
  }
}

@Injectable()
export class RedisIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly redis: RedisConnection,
  ) {}

  /** Without Redis the server is slower, not down: it says so and stays ready. */
  async reachable(): Promise<HealthIndicatorResult> {
    const redis = this.indicators.check('redis');
    if (!this.redis.configured) return redis.up('not configured');
    try {
      await this.redis.run((client) => client.ping());
      return redis.up();
    } catch {
      return redis.degraded('does not answer: limits hold per process, caches are empty');
    }
  }
}
