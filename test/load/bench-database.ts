import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { EmbeddedPostgres } from '../../apps/cli/development/embedded-postgres.js';
import { databaseUrl } from '../support/database.js';
import { isBackground } from '../support/statement-log.js';
import { TEMPLATE_DATABASE } from '../support/test-servers.js';
import { familyMicroseconds } from './machine.js';

/** What differs from the defaults of PostgreSQL; a commit is durable, as in production. */
export const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  shared_preload_libraries: 'pg_stat_statements',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
};

const TRANSACTION = /^(BEGIN|COMMIT|ROLLBACK)\b/;
/** The readiness checks look every second whether the database answers. */
const PULSE = /^SELECT (1|\$1)$/;

export interface StatementCount {
  /** Reads and writes, as the statement budget counts. */
  readonly statements: number;
  /** With BEGIN, COMMIT and ROLLBACK. */
  readonly roundTrips: number;
}

/** A PostgreSQL for one run: it belongs to nobody else, and nothing of it stays. */
export class BenchDatabase {
  private constructor(
    private readonly folder: string,
    private readonly postgres: EmbeddedPostgres,
    private readonly connection: Client,
    readonly version: string,
  ) {}

  static async start(): Promise<BenchDatabase> {
    const folder = mkdtempSync(join(tmpdir(), 'core-auth-bench-'));
    const logFile = join(folder, 'postgres.log');
    const postgres = await EmbeddedPostgres.start({
      dataFolder: join(folder, 'postgres', 'data'),
      logFile,
      settings: POSTGRES_SETTINGS,
    });
    // where test/support finds its PostgreSQL
    process.env['TEST_POSTGRES_SOCKET'] = postgres.socketFolder;
    process.env['TEST_POSTGRES_LOG'] = logFile;
    const connection = new Client({ connectionString: postgres.url('postgres') });
    await connection.connect();
    await connection.query('CREATE EXTENSION pg_stat_statements');
    await connection.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
    const template = new DataSource({ type: 'postgres', url: postgres.url(TEMPLATE_DATABASE), migrations });
    await template.initialize();
    await template.runMigrations({ transaction: 'each' });
    await template.destroy();
    const { rows } = await connection.query<{ server_version: string }>('SHOW server_version');
    return new BenchDatabase(folder, postgres, connection, rows[0]?.server_version ?? '');
  }

  /** An empty database. */
  async create(name: string): Promise<string> {
    await this.connection.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    return databaseUrl(name);
  }

  async connect(name: string): Promise<Client> {
    const client = new Client({ connectionString: databaseUrl(name) });
    await client.connect();
    return client;
  }

  async forgetStatements(): Promise<void> {
    await this.connection.query('SELECT pg_stat_statements_reset()');
  }

  /** What a database was asked since `forgetStatements`, without what our server asks by itself. */
  async statements(database: string): Promise<StatementCount> {
    const { rows } = await this.connection.query<{ query: string; calls: string }>(
      `SELECT s.query, s.calls
         FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
        WHERE d.datname = $1`,
      [database],
    );
    let statements = 0;
    let transactions = 0;
    for (const { query, calls } of rows) {
      const text = query.replace(/\s+/g, ' ').trim();
      if (TRANSACTION.test(text)) transactions += Number(calls);
      else if (!PULSE.test(text) && !isBackground({ kind: 'read', text })) statements += Number(calls);
    }
    return { statements, roundTrips: statements + transactions };
  }

  /** Microseconds that all its processes have computed; undefined where the system does not tell. */
  cpuMicroseconds(): number | undefined {
    return familyMicroseconds(this.postgres.pid);
  }

  async stop(): Promise<void> {
    await this.connection.end();
    await this.postgres.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
