import { openSync, renameSync } from 'node:fs';

/**
 * Opens a program's log anew. The one before stays as `<name>.log.1`: after a crash the next start comes first, and
 * looking for the reason second.
 */
export function openLog(file: string): number {
  try {
    renameSync(file, `${file}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return openSync(file, 'w', 0o600);
}
