import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { StatementLog } from './statement-log.js';

const TEMPLATE_DATABASE = 'template_migrated';

export interface TestDatabase {
  readonly name: string;
  /** Connection string for Configuration, `pg` or a spawned process. */
  readonly url: string;
  /** What PostgreSQL itself logged: only where `logStatements` was asked for. */
  readonly statements: StatementLog;
  /** Ends every connection and drops the database. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** Log every statement of this database, so that a test can count them. */
  readonly logStatements?: boolean;
  /** A database with nothing in it, not even our tables. */
  readonly empty?: boolean;
}

/** A database for one spec: a copy of the migrated template. */
export async function createDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const name = `spec_${randomBytes(8).toString('hex')}`;
  const template = options.empty ? 'template1' : TEMPLATE_DATABASE;
  await maintenance(async (client) => {
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    if (options.logStatements) await client.query(`ALTER DATABASE ${name} SET log_statement = 'all'`);
  });
  return {
    name,
    url: databaseUrl(name),
    statements: new StatementLog(setting('TEST_POSTGRES_LOG'), name),
    drop: () =>
      maintenance(async (client) => void (await client.query(`DROP DATABASE ${name} WITH (FORCE)`))),
  };
}

/** The private socket lies in a folder, which a URL carries as its `host` parameter. */
export function databaseUrl(name: string): string {
  return `postgres://core_auth@localhost/${name}?host=${encodeURIComponent(setting('TEST_POSTGRES_SOCKET'))}`;
}

async function maintenance(work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: databaseUrl('postgres') });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the specs through jest.config.mjs`);
  return value;
}
