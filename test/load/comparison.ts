import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchDatabase } from './bench-database.js';
import { CoreAuthTarget } from './core-auth-target.js';
import type { Pinning } from './machine.js';
import { Measured } from './measure.js';
import { OPERATIONS, type Operation } from './operations.js';
import type { BenchOptions } from './options.js';
import { PeerTarget } from './peer-target.js';
import type { Progress } from './progress.js';
import { benchRow, type BenchRow } from './report.js';

/** Authorizations that each connection goes through, one after the other. */
const CHAINS_PER_CONNECTION = 64;
const LONGEST_WARM_UP = 2;
/** For the profiler to write its file. */
const PROFILE_PAUSE = 2000;

export function chosenOperations({ only }: BenchOptions): readonly Operation[] {
  return OPERATIONS.filter(({ name }) => only.length === 0 || only.includes(name));
}

/** Steps of the progress. */
export function comparisonSteps(options: BenchOptions): number {
  return 1 + chosenOperations(options).length * (2 + 2 * options.rounds);
}

/** Each operation at both servers, in rounds that take turns, so that what else the machine does hits both alike. */
export async function compare(
  bench: BenchDatabase,
  options: BenchOptions,
  pinning: Pinning | undefined,
  progress: Progress,
): Promise<BenchRow[]> {
  const { connections, rows, profile } = options;
  const tokens = connections * CHAINS_PER_CONNECTION;
  progress.show(`starting both servers, ${rows} authorizations each`);
  if (profile !== undefined) mkdirSync(profile, { recursive: true });
  const ours = await CoreAuthTarget.start(bench, {
    sessions: connections,
    tokens,
    scales: [rows],
    pinning,
    env: profile === undefined ? {} : profilerSettings(profile),
  });
  try {
    await ours.grow(rows);
    const peer = await PeerTarget.start(bench, { sessions: connections, rows, tokens, pinning });
    try {
      progress.step();
      const results: BenchRow[] = [];
      for (const operation of chosenOperations(options)) {
        results.push(await rounds(bench, operation, { ours, peer }, options, progress));
      }
      return results;
    } finally {
      await peer.stop();
    }
  } finally {
    await ours.stop();
  }
}

async function rounds(
  bench: BenchDatabase,
  operation: Operation,
  { ours, peer }: { readonly ours: CoreAuthTarget; readonly peer: PeerTarget },
  { connections, duration, rounds: times, profile }: BenchOptions,
  progress: Progress,
): Promise<BenchRow> {
  const warmUp = Math.min(duration, LONGEST_WARM_UP);
  const measured: Measured[] = [];
  for (const target of [ours, peer]) {
    progress.show(`${operation.title}: ${target.title} warms up`);
    measured.push(await Measured.prepare(bench, target, operation, { connections, warmUp }));
    progress.step();
  }
  const [oursMeasured, peerMeasured] = measured as [Measured, Measured];
  for (let round = 1; round <= times; round += 1) {
    progress.show(`${operation.title}: ${ours.title}, round ${round} of ${times}`);
    if (profile !== undefined) ours.signal('SIGWINCH');
    await oursMeasured.round(duration);
    if (profile !== undefined) {
      ours.signal('SIGWINCH');
      await sleep(PROFILE_PAUSE);
    }
    progress.step();
    progress.show(`${operation.title}: ${peer.title}, round ${round} of ${times}`);
    await peerMeasured.round(duration);
    progress.step();
  }
  return benchRow(operation.name, oursMeasured.figures, peerMeasured.figures);
}

function profilerSettings(folder: string): Record<string, string> {
  const hook = new URL('profiler.mjs', import.meta.url);
  return { NODE_OPTIONS: `--import ${hook.href}`, BENCH_PROFILE_FOLDER: folder };
}
