import { sql, type Database, type Statement } from '#platform';
import type { FactorOwner } from './factor.js';

/** Whether there was such a factor, and whether it is gone. */
export interface RemovalOutcome {
  readonly there: boolean;
  readonly removed: boolean;
}

/**
 * Removes a factor, and with the last one the recovery codes. The person is locked first, by a statement of its own:
 * the one that removes then sees codes that were made while it waited.
 */
export async function removeFactor(
  database: Database,
  { userId }: FactorOwner,
  removal: Statement,
): Promise<RemovalOutcome> {
  return database.transaction(async (transaction) => {
    await transaction.query(sql`SELECT FROM users WHERE id = ${userId} FOR NO KEY UPDATE`);
    const [outcome] = await transaction.query<RemovalOutcome>(removal);
    return outcome ?? { there: false, removed: false };
  });
}
