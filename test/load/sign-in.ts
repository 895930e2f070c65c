import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/answers.js';
import { PASSWORD } from '../support/world.js';
import type { BenchDatabase } from './bench-database.js';
import { CoreAuthTarget } from './core-auth-target.js';
import { drive, median, percentile, type Journey } from './driver.js';
import { HttpConnection } from './http-connection.js';
import { cpuMicroseconds, pin, type Pinning } from './machine.js';
import { round } from './measure.js';
import type { BenchOptions } from './options.js';
import type { Progress } from './progress.js';
import { count, table } from './report.js';
import { cookiesOf, openForm, personOf, submit } from './sign-in-form.js';
import { ADDRESSES, ALPHA, compareTimes, TRIES, type TimingFigures } from './sign-in-timing.js';

/** What sign-in.json holds; times in milliseconds. */
export interface SignInFigures {
  readonly timing: TimingFigures;
  readonly throughput: {
    /** The median of the rounds. */
    readonly signInsPerSecond: number;
    readonly bareHashesPerSecond: number;
    /** The median of the ratios of a round of ours and the bare ones before and after it. */
    readonly ratio: number;
    readonly p50: number;
    readonly p99: number;
    /** Microseconds of the server's threads for one sign-in, the hash included. */
    readonly cpu: number | undefined;
    /** Microseconds of one bare hash. */
    readonly bareCpu: number;
    /** `bareCpu / cpu`: what `ratio` comes to where nothing else runs. */
    readonly cpuRatio: number | undefined;
    readonly statements: number;
  };
  readonly loopDelay: LoopDelay & {
    /** p99 of a process that does nothing but hash: what the machine alone is late. */
    readonly bareP99: number;
  };
}

interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A server that has run for a while: so few requests a second take a while to be compiled. */
const WARM_UP = 4;
const GOALS = { ratio: 0.9, loopDelay: 20 } as const;

/** Steps of the progress. */
export function signInSteps({ rounds }: BenchOptions): number {
  return 2 + 2 * rounds + 1;
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
  const people = Math.max(options.connections, ADDRESSES);
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
    `Throughput: ${count(rate.signInsPerSecond)} sign-ins and ${count(rate.bareHashesPerSecond)} bare verifications per second; a sign-in takes ${rate.p50} ms (p99 ${rate.p99} ms), ${rate.cpu ?? '–'} µs of processor time of the server with its hash (a bare one ${rate.bareCpu} µs), and ${rate.statements} statements.`,
    `Event loop: p50 ${loopDelay.p50.toFixed(2)} ms, p99 ${loopDelay.p99.toFixed(2)} ms, longest ${loopDelay.max.toFixed(2)} ms, of which 1 ms is the timer's own; of the process that only hashes, in the same run, p99 ${loopDelay.bareP99.toFixed(2)} ms.`,
  ].join('\n');
}

/** What is loaded into the server; one signal begins and ends both. */
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

type ThroughputOptions = BenchOptions & {
  readonly file: string;
  readonly hash: string;
  readonly pinning: Pinning | undefined;
};

/** Bare hashes, ours, bare hashes, ours, … and bare hashes again: what else the machine does hits both. */
async function throughput(
  bench: BenchDatabase,
  target: CoreAuthTarget,
  { connections, duration, rounds, file, hash, pinning }: ThroughputOptions,
  progress: Progress,
): Promise<Pick<SignInFigures, 'throughput' | 'loopDelay'>> {
  const journey = await returningPeople(target, connections);
  await drive(target.port, connections, WARM_UP * duration, journey);
  const bare: number[] = [];
  const bareCpus: number[] = [];
  const bareDelays: number[] = [];
  const ours: { rate: number; cpu: number | undefined; statements: number; delay: LoopDelay }[] = [];
  let latencies: number[] = [];
  const hashAlone = async (number: number) => {
    progress.show(`Bare hashes, ${number} of ${rounds + 1}`);
    const alone = await bareHashes(hash, duration, pinning);
    bare.push(alone.rate);
    bareCpus.push(alone.cpu);
    bareDelays.push(alone.delay);
    progress.step();
  };
  for (let number = 1; number <= rounds; number += 1) {
    await hashAlone(number);
    progress.show(`Sign-ins, round ${number} of ${rounds}`);
    await bench.forgetStatements();
    rmSync(file, { force: true });
    target.signal('SIGWINCH');
    const before = cpuMicroseconds(target.pid);
    const {
      operations,
      seconds,
      latencies: times,
    } = await drive(target.port, connections, duration, journey);
    const after = cpuMicroseconds(target.pid);
    target.signal('SIGWINCH');
    const { statements } = await bench.statements(target.database);
    const cpu = before === undefined || after === undefined ? undefined : (after - before) / operations;
    latencies = latencies.concat(times);
    const delay = await eventually(() => delayIn(file), 'the delays of the event loop');
    ours.push({ rate: operations / seconds, cpu, statements: statements / operations, delay });
    progress.step();
  }
  await hashAlone(rounds + 1);
  const cpus = ours.flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu]));
  const cpu = cpus.length === 0 ? undefined : round(median(cpus), 0);
  const bareCpu = round(median(bareCpus), 0);
  return {
    throughput: {
      signInsPerSecond: round(median(ours.map(({ rate }) => rate)), 1),
      bareHashesPerSecond: round(median(bare), 1),
      ratio: round(median(ours.map(({ rate }, index) => (2 * rate) / around(bare, index))), 3),
      p50: round(percentile(latencies, 0.5), 2),
      p99: round(percentile(latencies, 0.99), 2),
      ...{ cpu, bareCpu, cpuRatio: cpu === undefined ? undefined : round(bareCpu / cpu, 3) },
      statements: round(median(ours.map(({ statements }) => statements)), 2),
    },
    loopDelay: {
      p50: median(ours.map(({ delay }) => delay.p50)),
      p99: Math.max(...ours.map(({ delay }) => delay.p99)),
      bareP99: Math.max(...bareDelays),
      max: Math.max(...ours.map(({ delay }) => delay.max)),
    },
  };
}

const around = (rates: readonly number[], index: number) => (rates[index] ?? 0) + (rates[index + 1] ?? 0);

/** Each connection is a person in a browser that is known to them: they come back and sign in. */
async function returningPeople(target: CoreAuthTarget, connections: number): Promise<Journey> {
  const requests: string[] = [];
  for (let number = 0; number < connections; number += 1) {
    const connection = await HttpConnection.open(target.port);
    const form = await openForm(connection);
    const answer = await connection.send(submit(form, personOf(number), PASSWORD));
    connection.close();
    const { '__Host-core_auth_devices': device = '' } = cookiesOf(answer);
    if (answer.status !== 303 || device === '') throw new Error(`sign-in answered ${answer.status}`);
    const cookies = { ...form.cookies, '__Host-core_auth_devices': device };
    requests.push(submit({ ...form, cookies }, personOf(number), PASSWORD));
  }
  return async (connection, slot) => {
    const { status, body } = await connection.send(requests[slot] ?? '');
    if (status !== 303) throw new Error(`sign-in answered ${status}: ${body}`);
  };
}

/** Verifications per second, and what one costs, in a process that does nothing else, on the core of the server. */
async function bareHashes(
  hash: string,
  seconds: number,
  pinning: Pinning | undefined,
): Promise<{ rate: number; cpu: number; delay: number }> {
  const program = fileURLToPath(new URL('bare-argon2.mjs', import.meta.url));
  const running = promisify(execFile)(process.execPath, [program, hash, PASSWORD, String(seconds)]);
  if (pinning) pin(running.child.pid ?? 0, pinning.servers);
  const { stdout } = await running;
  type Seen = Record<'verified' | 'seconds' | 'cpu' | 'delay', number>;
  const { verified, seconds: took, cpu, delay } = JSON.parse(stdout) as Seen;
  return { rate: verified / took, cpu, delay };
}

function delayIn(file: string): LoopDelay | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LoopDelay;
  } catch {
    return undefined;
  }
}
