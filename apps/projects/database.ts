import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import pg from 'pg';

/** Any number, the same in every process of this module: whoever holds it changes the schema alone. */
const SCHEMA_LOCK = 7_035_001;

const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS projects;
  CREATE TABLE IF NOT EXISTS projects.projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    status text NOT NULL CHECK (status IN ('active', 'on_hold', 'done')),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX IF NOT EXISTS projects_organization ON projects.projects (organization_id, created_at, id);
  CREATE TABLE IF NOT EXISTS projects.project_counters (
    organization_id uuid PRIMARY KEY,
    projects integer NOT NULL CHECK (projects >= 0)
  );
`;

/** This module's own PostgreSQL pool; its tables live in the schema `projects`. */
@Injectable()
export class ProjectsDatabase implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('ProjectsDatabase');
  private readonly pool: pg.Pool;

  constructor(url: string) {
    this.pool = new pg.Pool({
      connectionString: url,
      max: 10,
      connectionTimeoutMillis: 5000,
      statement_timeout: 5000,
      application_name: 'projects',
    });
    // Without a listener, a connection that breaks while idle would end the process.
    this.pool.on('error', (error) => this.logger.warn(`An idle connection broke: ${error.message}`));
  }

  /** Creates what is not there yet; processes that start at once do it one after another. */
  async onModuleInit(): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
      await client.query(SCHEMA);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  async query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    const result = await this.pool.query<Row>({ name, text, values });
    return result.rows;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
