import type { Client } from 'pg';
import type { BenchDatabase } from './bench-database.js';
import { CoreAuthTarget } from './core-auth-target.js';
import type { Pinning } from './machine.js';
import { Measured, round, type Figures } from './measure.js';
import { OPERATIONS } from './operations.js';
import type { BenchOptions } from './options.js';
import type { Progress } from './progress.js';
import { count, table } from './report.js';

const SCALES = [1000, 100_000, 1_000_000];
/** Authorizations that the driver refreshes, spread over all. */
const CHAINS = 6400;
const WARM_UP = 2;

/** What refreshing costs among so many authorizations. */
export interface SoakRow extends Figures {
  readonly rows: number;
  /** Bytes of the table of authorizations, and of its indexes. */
  readonly tableBytes: number;
  readonly indexBytes: number;
  /** The share of updates that touched no index: PostgreSQL calls them heap-only. */
  readonly heapOnly: number;
}

export function soakScales(largest: number): number[] {
  return [...SCALES.filter((rows) => rows < largest), largest];
}

/** Refreshes among more and more authorizations, in one database that grows. */
export async function soak(
  bench: BenchDatabase,
  options: BenchOptions,
  pinning: Pinning | undefined,
  progress: Progress,
): Promise<SoakRow[]> {
  const scales = soakScales(options.rows);
  const { connections, duration } = options;
  const ours = await CoreAuthTarget.start(bench, { sessions: connections, tokens: CHAINS, scales, pinning });
  const database = await bench.connect(ours.database);
  try {
    const results: SoakRow[] = [];
    const [operation] = OPERATIONS.filter(({ name }) => name === 'refresh');
    if (!operation) throw new Error('refresh is no operation any more');
    for (const rows of scales) {
      progress.show(`${count(rows)} authorizations: generating`);
      await ours.grow(rows, (done) => progress.flicker(`${count(rows)} authorizations: ${count(done)}`));
      const size = await sizeOf(database);
      progress.step();
      progress.show(`${count(rows)} authorizations: refreshing`);
      const before = await updatesOf(database);
      const warmUp = Math.min(duration, WARM_UP);
      const measured = await Measured.prepare(bench, ours, operation, { connections, warmUp });
      for (let number = 0; number < options.rounds; number += 1) await measured.round(duration);
      const after = await updatesOf(database);
      const heapOnly = (after.heapOnly - before.heapOnly) / Math.max(1, after.all - before.all);
      results.push({ rows, ...measured.figures, ...size, heapOnly: round(heapOnly, 4) });
      progress.step();
    }
    return results;
  } finally {
    await database.end();
    await ours.stop();
  }
}

export function soakTable(rows: readonly SoakRow[]): string {
  const perMillion = (bytes: number, of: number) => Math.round((bytes / of / 2 ** 20) * 1_000_000).toString();
  return table(
    [
      ...['authorizations', 'refreshes per second', 'p50 ms', 'p99 ms', 'statements'],
      ...['table MiB per million', 'indexes MiB per million', 'heap-only updates'],
    ],
    rows.map((row) => [
      ...[
        count(row.rows),
        count(row.perSecond),
        row.p50.toFixed(2),
        row.p99.toFixed(2),
        String(row.statements),
      ],
      ...[perMillion(row.tableBytes, row.rows), perMillion(row.indexBytes, row.rows)],
      `${(row.heapOnly * 100).toFixed(1)} %`,
    ]),
  );
}

async function sizeOf(database: Client): Promise<{ tableBytes: number; indexBytes: number }> {
  const { rows } = await database.query<{ heap: string; indexes: string }>(
    `SELECT pg_table_size('authorizations') AS heap, pg_indexes_size('authorizations') AS indexes`,
  );
  return { tableBytes: Number(rows[0]?.heap), indexBytes: Number(rows[0]?.indexes) };
}

/** A backend tells its counts when it has been idle for a moment. */
async function updatesOf(database: Client): Promise<{ all: number; heapOnly: number }> {
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const { rows } = await database.query<{ n_tup_upd: string; n_tup_hot_upd: string }>(
    `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'authorizations'`,
  );
  return { all: Number(rows[0]?.n_tup_upd), heapOnly: Number(rows[0]?.n_tup_hot_upd) };
}
