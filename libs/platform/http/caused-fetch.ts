import { AsyncLocalStorage } from 'node:async_hooks';

const allowances = new AsyncLocalStorage<() => Promise<void>>();

/**
 * Runs `work` for a caller who may not make this server ask others at any rate.
 * @param allow is called before each such question; it throws when there have been too many
 */
export function limitFetches(allow: () => Promise<void>, work: () => void): void {
  allowances.run(allow, work);
}

/** Before this server asks another one for the sake of a caller. What it does by itself has no limit here. */
export async function requireFetchAllowed(): Promise<void> {
  await allowances.getStore()?.();
}
