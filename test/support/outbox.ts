import type { Client } from 'pg';
import { OutboxRepository } from '#events';
import { eventually } from './answers.js';
import type { World } from './world.js';

/** Removes every event; one that a transaction elsewhere in the cluster keeps from being read stays until it ends. */
export async function emptied(world: World, database: Client): Promise<void> {
  await eventually(async () => {
    await world.app.get(OutboxRepository).prune(new Date(Date.now() + 60_000), 1000);
    return (await database.query('SELECT FROM outbox')).rowCount === 0 ? true : undefined;
  }, 'an empty outbox');
}
