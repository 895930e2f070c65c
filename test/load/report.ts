import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { POSTGRES_SETTINGS } from './bench-database.js';
import type { Machine, Pinning } from './machine.js';
import { round, type Figures } from './measure.js';
import type { BenchOptions } from './options.js';
import { POOL_SIZE } from './target.js';

/** A row of bench.json; latencies in milliseconds, memory in bytes. */
export interface BenchRow {
  readonly operation: string;
  readonly perSecond: number;
  readonly p99: number;
  /** Reads and writes of one operation. */
  readonly statements: number;
  readonly rss: number;
  /** Operations per second of the peer. */
  readonly peer: number;
  readonly ratio: number;
  readonly roundTrips: number;
  readonly p50: number;
  readonly cpu: number | undefined;
  readonly peerFigures: Figures;
}

export interface Circumstances {
  readonly machine: Machine;
  readonly postgres: string;
  readonly pinning: Pinning | undefined;
}

export function benchRow(operation: string, ours: Figures, peer: Figures): BenchRow {
  return {
    operation,
    perSecond: ours.perSecond,
    p99: ours.p99,
    statements: ours.statements,
    rss: ours.rss,
    peer: peer.perSecond,
    ratio: round(ours.perSecond / peer.perSecond, 2),
    roundTrips: ours.roundTrips,
    p50: ours.p50,
    cpu: ours.cpu,
    peerFigures: peer,
  };
}

export function benchTable(rows: readonly BenchRow[]): string {
  return table(
    [
      ...['operation', 'per second', 'p99 ms', 'statements', 'round trips', 'CPU µs', 'RSS MiB'],
      ...['peer per second', 'peer p99 ms', 'peer statements', 'peer CPU µs', 'peer RSS MiB', 'ratio'],
    ],
    rows.map((row) => {
      const { operation, perSecond, p99, statements, roundTrips, cpu, rss, peerFigures: peer } = row;
      return [
        ...[operation, count(perSecond), p99.toFixed(2), String(statements), String(roundTrips)],
        ...[String(cpu ?? '–'), mebibytes(rss)],
        ...[count(peer.perSecond), peer.p99.toFixed(2), String(peer.statements), String(peer.cpu ?? '–')],
        ...[mebibytes(peer.rss), row.ratio.toFixed(2)],
      ];
    }),
  );
}

/** A table that reads well as plain text too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, 3, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

export function circumstancesText(
  { machine, postgres, pinning }: Circumstances,
  options: BenchOptions,
): string {
  const settings = Object.entries(POSTGRES_SETTINGS).map(([name, value]) => `${name}=${value}`);
  return [
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memory} GiB, ${machine.system}`,
    `- Node.js ${machine.node}, PostgreSQL ${postgres} (${settings.join(', ')}; a commit waits for the disk)`,
    pinning
      ? `- Pinned: the servers to core ${pinning.servers}, driver and database to core ${pinning.others}`
      : '- Not pinned: there is no taskset here, or one core alone; the figures vary more',
    loadText(options),
  ].join('\n');
}

function loadText({ duration, rounds, connections, rows, licensing, signIn }: BenchOptions): string {
  const pool = `pool of ${POOL_SIZE} connections`;
  if (signIn) {
    return `- Load: ${connections} connections of people in browsers that are known, ${rounds} rounds of ${duration} s with bare hashes on the server's core before and after each; ${pool}`;
  }
  return licensing
    ? `- Load: ${connections} connections, or as many people who want seats; ${rounds} rounds of ${duration} s; ${pool}; the guard, its two nodes and what assigns seats run in the driver's process`
    : `- Load: ${connections} connections, ${rounds} rounds of ${duration} s for each server in turn; ${pool}; ${rows} authorizations`;
}

export function write(folder: string, name: string, json: unknown, markdown: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(json, null, 2)}\n`);
  writeFileSync(join(folder, `${name}.md`), markdown);
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
