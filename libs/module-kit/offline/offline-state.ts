import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What an instance remembers of one license. */
export interface RememberedLicense {
  /** The highest that was opened. */
  readonly sequence: number;
  /** Who sits in the block, those longest there first. */
  readonly seats: readonly string[];
}

/** What an instance remembers. */
export interface OfflineMemory {
  readonly instance: string;
  /** Milliseconds since the epoch: the latest time that was ever seen. */
  readonly highestTime: number;
  readonly licenses: Readonly<Record<string, RememberedLicense>>;
}

/**
 * The state file of an instance: written whole beside itself, flushed, renamed into place, and its folder flushed, so
 * that a crash leaves the old one or the new one. It is one process's file.
 */
export class OfflineState {
  constructor(private readonly path: string) {}

  /** `missing` when there is none; `corrupt` when it is not one that this class wrote for this instance. */
  read(instance: string): OfflineMemory | 'missing' | 'corrupt' {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
      throw error;
    }
    const memory = parseMemory(text);
    return memory?.instance === instance ? memory : 'corrupt';
  }

  /** @throws what the file system says */
  write(memory: OfflineMemory): void {
    const beside = `${this.path}.new`;
    const file = openSync(beside, 'w', 0o600);
    try {
      // writes on where a nearly full disk has taken a part only
      writeFileSync(file, JSON.stringify({ format: 1, ...memory }));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, this.path);
    const folder = openSync(dirname(this.path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }
}

function parseMemory(text: string): OfflineMemory | undefined {
  try {
    const { format, instance, highestTime, licenses } = JSON.parse(text) as Record<string, unknown>;
    const sound =
      format === 1 &&
      typeof instance === 'string' &&
      isWhole(highestTime) &&
      typeof licenses === 'object' &&
      licenses !== null &&
      Object.values(licenses).every(isRemembered);
    return sound ? { instance, highestTime, licenses: licenses as OfflineMemory['licenses'] } : undefined;
  } catch {
    return undefined;
  }
}

function isRemembered(value: unknown): value is RememberedLicense {
  if (typeof value !== 'object' || value === null) return false;
  const { sequence, seats } = value as Record<string, unknown>;
  return (
    isWhole(sequence) &&
    Array.isArray(seats) &&
    seats.every((user) => typeof user === 'string') &&
    new Set(seats).size === seats.length
  );
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
