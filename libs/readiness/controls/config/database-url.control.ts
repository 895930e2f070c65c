import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { briefly } from '../../control-runner.js';
import { parseDatabaseUrl } from './database-address.js';

/** The setting leads to a database of this server, at this build's schema version. */
export const databaseUrl: Control = {
  id: 'config.env.database-url',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(1),
  async verify({ configuration, database }) {
    const address = parseDatabaseUrl(configuration.databaseUrl);
    let seen;
    try {
      seen = await database.whereabouts();
    } catch (error) {
      return failed('a database that answers', briefly(error), 'start PostgreSQL, or correct DATABASE_URL');
    }
    if (seen.database !== address.database) {
      return failed(
        `the database "${address.database}" that DATABASE_URL names`,
        `connected to "${seen.database}"`,
        'correct DATABASE_URL and restart',
      );
    }
    const expected = database.expectedMigrations.at(-1);
    const applied = await database.appliedMigrations();
    if (expected === undefined || applied.at(-1) !== expected) {
      return failed(
        `schema version ${expected ?? 'of this build (which brings no migrations)'}`,
        `schema version ${applied.at(-1) ?? 'none: no migration was ever applied here'}`,
        'point DATABASE_URL at the database of this server, or run its migrations: node dist/apps/cli/main.js migrate',
      );
    }
    return verified(
      `PostgreSQL ${Math.floor(seen.version / 10_000)}, database "${seen.database}", schema version ${expected}`,
    );
  },
};
