import { failed, minutes, seconds, verified, type Control } from '../../control.js';

/** PostgreSQL's query_canceled: what the statement time-out raises. */
const CANCELED = '57014';
const LONGEST = seconds(60);

/** A statement that takes too long is ended by the database, and so is a wait for a lock. */
export const queryTimeout: Control = {
  id: 'config.db.query-timeout',
  kind: 'probe',
  timeout: LONGEST + seconds(5),
  interval: minutes(60),
  async verify({ database }) {
    const { statementTimeout, lockTimeout } = await database.sessionSettings();
    const mend =
      'set CORE_AUTH_DATABASE_STATEMENT_TIMEOUT and CORE_AUTH_DATABASE_LOCK_TIMEOUT (milliseconds) and restart';
    const seen = `statement_timeout ${statementTimeout} ms, lock_timeout ${lockTimeout} ms`;
    if (statementTimeout <= 0 || statementTimeout > LONGEST || lockTimeout <= 0) {
      return failed('both limits set in the live session, the first to 60 s at most', seen, mend);
    }
    const start = performance.now();
    const outcome = await database.sleep(statementTimeout + seconds(1)).then(
      () => 'not cancelled',
      (error: { code?: string }) => error.code ?? 'an error without a code',
    );
    const taken = Math.round(performance.now() - start);
    if (outcome !== CANCELED) {
      return failed(
        `pg_sleep cancelled (${CANCELED}) after ${statementTimeout} ms`,
        `${outcome} after ${taken} ms`,
        mend,
      );
    }
    return verified(`${seen}; pg_sleep of ${statementTimeout + 1000} ms was cancelled after ${taken} ms`);
  },
};
