import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BenchDatabase } from './bench-database.js';
import { CoreAuthTarget } from './core-auth-target.js';
import type { Pinning } from './machine.js';
import type { BenchOptions } from './options.js';
import type { Progress } from './progress.js';
import { count, table } from './report.js';
import {
  signingIn,
  throughput,
  throughputSteps,
  type LoopDelayFigures,
  type SignInCpu,
  type ThroughputFigures,
} from './sign-in-throughput.js';
import { ADDRESSES, ALPHA, compareTimes, TRIES, type TimingFigures } from './sign-in-timing.js';

/** What sign-in.json holds. */
export interface SignInFigures {
  readonly timing: TimingFigures;
  readonly throughput: ThroughputFigures;
  readonly loopDelay: LoopDelayFigures;
}

const GOALS = { ratio: 0.9, loopDelay: 20 } as const;

/** Steps of the progress. */
export function signInSteps(options: BenchOptions): number {
  return 2 + throughputSteps(options);
}

/** How fast people sign in, beside what their passwords alone cost, and whether the time tells who has an account. */
export async function signIns(
  bench: BenchDatabase,
  options: BenchOptions,
  pinning: Pinning | undefined,
  progress: Progress,
): Promise<SignInFigures> {
  progress.show('starting a server');
  const folder = mkdtempSync(join(tmpdir(), 'core-auth-loop-'));
  const file = join(folder, 'delay.json');
  const people = Math.max(signingIn(options.connections), ADDRESSES);
  const target = await CoreAuthTarget.start(bench, {
    ...{ sessions: people, tokens: 0, scales: [], pinning },
    env: {
      // hundreds of wrong passwords from one address, and no delay
      CORE_AUTH_SIGN_IN_FAILURES: '100',
      ...hooks(options.profile),
      BENCH_LOOP_DELAY_FILE: file,
    },
  });
  try {
    const hash = await givePasswords(bench, target);
    progress.step();
    progress.show(`${TRIES} tries with wrong passwords`);
    const timing = await compareTimes(target);
    progress.step();
    return { timing, ...(await throughput(bench, target, { ...options, file, hash, pinning }, progress)) };
  } finally {
    await target.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export function signInText({ timing, throughput: rate, loopDelay }: SignInFigures): string {
  const verdict = (kept: boolean) => (kept ? 'kept' : 'missed');
  const rows = [
    ['known and unknown accounts', `p = ${timing.p.toFixed(3)}`, `p ≥ ${ALPHA}`, verdict(!timing.toldApart)],
    ['sign-ins / bare hashes', rate.ratio.toFixed(3), `≥ ${GOALS.ratio}`, verdict(rate.ratio >= GOALS.ratio)],
    [
      'the same by processor time',
      String(rate.cpuRatio ?? '–'),
      `≥ ${GOALS.ratio}`,
      verdict((rate.cpuRatio ?? 0) >= GOALS.ratio),
    ],
    [
      'event loop delay p99',
      `${loopDelay.p99.toFixed(2)} ms`,
      `< ${GOALS.loopDelay} ms`,
      verdict(loopDelay.p99 < GOALS.loopDelay),
    ],
  ];
  return [
    table(['sign-in', 'measured', 'goal', 'verdict'], rows),
    '',
    `Timing: ${timing.tries} wrong passwords, known and unknown accounts in turns; medians ${timing.knownP50} ms and ${timing.unknownP50} ms; in ${(timing.share * 100).toFixed(1)} % of all pairs the known one took longer. By the test of Mann and Whitney the two ${timing.toldApart ? 'CAN be told apart' : 'cannot be told apart'} (p = ${timing.p.toFixed(4)}).`,
    `Throughput: ${count(rate.signInsPerSecond)} sign-ins and ${count(rate.bareHashesPerSecond)} bare verifications per second; a sign-in takes ${rate.p50} ms (p99 ${rate.p99} ms) and ${rate.statements} statements.`,
    cpuText(rate.bareCpu, rate.cpu),
    `Event loop: p50 ${loopDelay.p50.toFixed(2)} ms, p99 ${loopDelay.p99.toFixed(2)} ms, longest ${loopDelay.max.toFixed(2)} ms, of which 1 ms is the timer's own; of the process that only hashes, in the same run, p99 ${loopDelay.bareP99.toFixed(2)} ms.`,
  ].join('\n');
}

function cpuText(bareCpu: number, cpu: SignInCpu | undefined): string {
  if (!cpu) return 'Processor time: this system does not tell.';
  return `Processor time of a sign-in: ${count(cpu.server)} µs of the server, of which ${count(cpu.mainThread)} µs of the event loop's thread and ${count(cpu.server - cpu.mainThread)} µs of those that hash; a bare hash ${count(bareCpu)} µs. Beside the server: PostgreSQL ${count(cpu.postgres)} µs, the driver ${count(cpu.driver)} µs.`;
}

/** What is loaded into the server. */
function hooks(profile: string | undefined): Record<string, string> {
  const files = profile === undefined ? ['loop-delay.mjs'] : ['loop-delay.mjs', 'profiler.mjs'];
  const NODE_OPTIONS = files.map((file) => `--import ${new URL(file, import.meta.url).href}`).join(' ');
  if (profile === undefined) return { NODE_OPTIONS };
  mkdirSync(profile, { recursive: true });
  return { NODE_OPTIONS, BENCH_PROFILE_FOLDER: resolve(profile) };
}

/** Everybody's password is the one of the tests. @returns its hash */
async function givePasswords(bench: BenchDatabase, target: CoreAuthTarget): Promise<string> {
  const client = await bench.connect(target.database);
  try {
    const { rows } = await client.query<{ password_hash: string }>(
      `UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE email = 'member@acme.example')
        WHERE email LIKE 'person-%' RETURNING password_hash`,
    );
    return rows[0]?.password_hash ?? '';
  } finally {
    await client.end();
  }
}
