import { failed, minutes, seconds, unknown, type Control } from '../../control.js';
import type { DatabaseEvidence } from './database.repository.js';

interface MigrationState {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  readonly unknown: readonly string[];
}

export async function migrationState(database: DatabaseEvidence): Promise<MigrationState> {
  const applied = await database.appliedMigrations();
  const expected = database.expectedMigrations;
  return {
    applied,
    pending: expected.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !expected.includes(name)),
  };
}

/** What the database can say about migrations; that they were tested is for a run to say. */
function migrationsControl(id: string, missing: string): Control {
  return {
    id,
    kind: 'probe',
    timeout: seconds(5),
    interval: minutes(1),
    async verify({ database }) {
      const state = await migrationState(database);
      if (state.pending.length > 0) {
        return failed(
          'no pending migration',
          `pending: ${state.pending.join(', ')}`,
          'node dist/apps/cli/main.js migrate',
        );
      }
      if (state.unknown.length > 0) {
        return failed(
          'no migration that this build does not know',
          `applied, but not of this build: ${state.unknown.join(', ')}`,
          'deploy the build that brought them, or revert them with it',
        );
      }
      return unknown(`${state.applied.length} migrations applied, none pending, none unknown`, missing);
    },
  };
}

export const migrationsTested = migrationsControl(
  'config.db.migrations',
  'evidence of the forward, backward and side-by-side runs of this commit',
);

export const migrationsReady = migrationsControl(
  'deploy.run.migrations',
  "a checksum of each applied migration to compare with the build's file: none is recorded when one is applied",
);
