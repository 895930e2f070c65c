import { Injectable } from '@nestjs/common';
import { Client, type Pool, type PoolClient } from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import type { Configuration } from '../config/configuration.js';
import { instanceId } from '../instance.js';
import { Semaphore } from '../semaphore.js';
import type { Statement } from './sql.js';

export interface Transaction {
  query<Row>(statement: Statement): Promise<Row[]>;
}

/**
 * Connections that transactions leave to single statements. What a transaction waits for outside itself, such as the
 * load of a cache, is a single statement: if transactions could hold every connection, they would wait for ever.
 */
const RESERVED_CONNECTIONS = 2;

/** Connections beside the pool, each held for as long as something goes on that only one may do at a time. */
const TURNS = 2;

/** Prepared statements and transactions on the pool that TypeORM opened. */
@Injectable()
export class Database {
  private readonly pool: Pool;
  private readonly transactions: Semaphore;
  private readonly turns = new Semaphore(TURNS);

  constructor(readonly dataSource: DataSource) {
    this.pool = (dataSource.driver as PostgresDriver).master as Pool;
    this.transactions = new Semaphore(Math.max(1, this.pool.options.max - RESERVED_CONNECTIONS));
  }

  async query<Row>(statement: Statement): Promise<Row[]> {
    return rows(await this.pool.query(config(statement)).catch(explain));
  }

  /** Commits what `work` did, or nothing of it when it throws. */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.transactions.run(() => this.transact(work));
  }

  private async transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch(explain);
    let failure: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(on(client));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((lost: Error) => (failure = lost));
      throw error;
    } finally {
      client.release(failure);
    }
  }

  /**
   * Does what only one process may do at a time, under a session-level advisory lock of this name on a connection of its
   * own: work that waits for connections of the pool holds none of them. Should the connection break, the lock is gone
   * and the work goes on: each of its steps has to be sound by itself.
   * @returns undefined when somebody else is at it, and nothing was done
   */
  async alone<T>(name: string, work: () => Promise<T>): Promise<{ readonly result: T } | undefined> {
    return this.turns.run(async () => {
      const session = new Client(this.pool.options);
      session.on('error', () => undefined);
      await session.connect().catch(explain);
      try {
        const taken = await session.query<{ taken: boolean }>(
          'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
          [name],
        );
        return taken.rows[0]?.taken ? { result: await work() } : undefined;
      } finally {
        await session.end();
      }
    });
  }

  /** Connections of this process: in all, idle, and callers waiting for one. */
  poolState(): { total: number; idle: number; waiting: number; max: number } {
    const { totalCount, idleCount, waitingCount, options } = this.pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount, max: options.max };
  }

  /** For processes that opened it themselves; under Nest the TypeORM module closes it. */
  async close(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

/** That no connection came in time is told by a text alone. */
const TOO_LATE = new Set([
  'timeout exceeded when trying to connect',
  'Connection terminated due to connection timeout',
]);

function explain(error: Error & { code?: string }): never {
  if (TOO_LATE.has(error.message)) error.code ??= 'ETIMEDOUT';
  throw error;
}

function on(client: PoolClient): Transaction {
  return { query: async <Row>(statement: Statement) => rows<Row>(await client.query(config(statement))) };
}

function config({ name, text, values }: Statement) {
  return { name, text, values: [...values] };
}

function rows<Row>(result: { rows: unknown[] }): Row[] {
  return result.rows as Row[];
}

export type Migrations = (new () => MigrationInterface)[];

/** How every process of ours opens the database; migrations are passed by the application that runs them. */
export function dataSourceOptions(
  configuration: Configuration,
  migrations: Migrations = [],
): PostgresDataSourceOptions {
  return {
    type: 'postgres',
    url: configuration.databaseUrl,
    applicationName: `core-auth ${instanceId}`,
    migrations,
    migrationsTransactionMode: 'each',
    connectTimeoutMS: configuration.databaseConnectTimeout,
    extra: {
      max: configuration.databasePoolSize,
      statement_timeout: configuration.databaseStatementTimeout,
      lock_timeout: configuration.databaseLockTimeout,
      idle_in_transaction_session_timeout: configuration.databaseStatementTimeout * 2,
    },
  };
}

/** An open database outside Nest; the caller closes it. */
export async function openDatabase(
  configuration: Configuration,
  migrations: Migrations = [],
): Promise<Database> {
  const options = dataSourceOptions(configuration, migrations);
  // a command is no node of the deployment
  const dataSource = new DataSource({ ...options, applicationName: 'core-auth-cli' });
  await dataSource.initialize();
  return new Database(dataSource);
}
