import { readFileSync, rmSync } from 'node:fs';
import { eventually } from '../support/answers.js';
import { PASSWORD } from '../support/world.js';
import { BareHashes } from './bare-hashes.js';
import type { BenchDatabase } from './bench-database.js';
import type { CoreAuthTarget } from './core-auth-target.js';
import { driveOver, median, openConnections, percentile, type Journey } from './driver.js';
import { HttpConnection } from './http-connection.js';
import { cpuMicroseconds, mainThreadMicroseconds, type Pinning } from './machine.js';
import { round } from './measure.js';
import type { BenchOptions } from './options.js';
import type { Progress } from './progress.js';
import { cookiesOf, openForm, personOf, submit } from './sign-in-form.js';

/** Times of latencies in milliseconds, of processors in microseconds. */
export interface ThroughputFigures {
  /** The median of the rounds. */
  readonly signInsPerSecond: number;
  readonly bareHashesPerSecond: number;
  /** The median of the ratios of a round of ours and the bare ones before and after it. */
  readonly ratio: number;
  readonly p50: number;
  readonly p99: number;
  /** Of one bare hash, over all rounds. */
  readonly bareCpu: number;
  /** Of one sign-in, over all rounds. */
  readonly cpu: SignInCpu | undefined;
  /** `bareCpu / cpu.server`: what `ratio` comes to where nothing else runs. */
  readonly cpuRatio: number | undefined;
  readonly statements: number;
}

/** Who computed how long for one sign-in. */
export interface SignInCpu {
  /** All threads, the hash included. */
  readonly server: number;
  /** Of the server, the thread of the event loop. */
  readonly mainThread: number;
  readonly postgres: number;
  readonly driver: number;
}

export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoopDelayFigures extends LoopDelay {
  /** p99 of a process that does nothing but hash: what the machine alone is late. */
  readonly bareP99: number;
}

/** Rounds that the engine has to compile what it runs. */
const WARM_UP = 10;
/** Of the rounds, as large a share again watches the event loop. */
const WATCHED_SHARE = 0.25;

const watchedRounds = (rounds: number) => Math.ceil(rounds * WATCHED_SHARE);

/** Steps of the progress. */
export function throughputSteps({ rounds }: BenchOptions): number {
  return 1 + 2 * rounds + 1 + 2 * watchedRounds(rounds);
}

interface Load extends BenchOptions {
  /** Where the server writes the delays of its event loop. */
  readonly file: string;
  readonly hash: string;
  readonly pinning: Pinning | undefined;
}

/** Bare hashes, ours, bare hashes, ours, … and bare hashes again: what else the machine does hits both. */
export async function throughput(
  bench: BenchDatabase,
  target: CoreAuthTarget,
  load: Load,
  progress: Progress,
): Promise<{ readonly throughput: ThroughputFigures; readonly loopDelay: LoopDelayFigures }> {
  const bare = BareHashes.start(load.hash, PASSWORD, load.pinning);
  const connections = await openConnections(target.port, load.connections);
  const journey = await returningPeople(target, load.connections);
  const run = (seconds: number) => driveOver(connections, seconds, journey);
  const rounds = new Rounds(bench, target, bare, run, load.profile !== undefined);
  const step = async (what: string, work: () => Promise<void>) => {
    progress.show(what);
    await work();
    progress.step();
  };
  const { rounds: number, duration } = load;
  try {
    await step('Warming up', () => rounds.warmUp(duration));
    for (let index = 1; index <= number; index += 1) {
      await step(`Bare hashes, ${index} of ${number + 1}`, () => rounds.hash(duration));
      await step(`Sign-ins, round ${index} of ${number}`, () => rounds.signIn(duration));
    }
    await step(`Bare hashes, ${number + 1} of ${number + 1}`, () => rounds.hash(duration));
    for (let index = 0; index < watchedRounds(number); index += 1) {
      await step('Bare hashes, the event loop watched', () => rounds.watchHashes(duration));
      await step('Sign-ins, the event loop watched', () => rounds.watchSignIns(duration, load.file));
    }
    return { throughput: rounds.figures, loopDelay: rounds.loopDelay };
  } finally {
    for (const connection of connections) connection.close();
    bare.stop();
  }
}

type Drive = (seconds: number) => ReturnType<typeof driveOver>;
type CpuTimes = Record<keyof SignInCpu, number | undefined>;

class Rounds {
  private readonly bareRates: number[] = [];
  private bareCpu = 0;
  private verified = 0;
  private readonly rates: number[] = [];
  private latencies: number[] = [];
  private statements = 0;
  private readonly cpu: Record<keyof SignInCpu, number> = {
    server: 0,
    mainThread: 0,
    postgres: 0,
    driver: 0,
  };
  private readonly delays: LoopDelay[] = [];
  private readonly bareDelays: number[] = [];

  constructor(
    private readonly bench: BenchDatabase,
    private readonly target: CoreAuthTarget,
    private readonly bare: BareHashes,
    private readonly drive: Drive,
    private readonly profiled: boolean,
  ) {}

  async warmUp(seconds: number): Promise<void> {
    await this.bare.round(seconds);
    await this.drive(WARM_UP * seconds);
  }

  async hash(seconds: number): Promise<void> {
    const { verified, seconds: took, cpu } = await this.bare.round(seconds);
    this.bareRates.push(verified / took);
    this.verified += verified;
    this.bareCpu += cpu;
  }

  async signIn(seconds: number): Promise<void> {
    await this.bench.forgetStatements();
    if (this.profiled) this.target.signal('SIGWINCH');
    const before = this.cpuTimes();
    const driven = await this.drive(seconds);
    const after = this.cpuTimes();
    if (this.profiled) this.target.signal('SIGWINCH');
    this.statements += (await this.bench.statements(this.target.database)).statements;
    this.rates.push(driven.operations / driven.seconds);
    this.latencies = this.latencies.concat(driven.latencies);
    for (const [who, time] of Object.entries(after) as [keyof SignInCpu, number | undefined][]) {
      this.cpu[who] += (time ?? NaN) - (before[who] ?? NaN);
    }
  }

  async watchHashes(seconds: number): Promise<void> {
    this.bareDelays.push((await this.bare.round(seconds, true)).delay);
  }

  /** In rounds of its own: the timer that is due every millisecond wakes the thread as often. */
  async watchSignIns(seconds: number, file: string): Promise<void> {
    rmSync(file, { force: true });
    this.target.signal('SIGURG');
    await this.drive(seconds);
    this.target.signal('SIGURG');
    this.delays.push(await eventually(() => delayIn(file), 'the delays of the event loop'));
  }

  get figures(): ThroughputFigures {
    const signIns = this.latencies.length;
    const cpu = Object.fromEntries(
      Object.entries(this.cpu).map(([who, time]) => [who, round(time / signIns, 0)]),
    ) as unknown as SignInCpu;
    const bareCpu = round(this.bareCpu / this.verified, 0);
    const known = Number.isFinite(cpu.server);
    return {
      signInsPerSecond: round(median(this.rates), 1),
      bareHashesPerSecond: round(median(this.bareRates), 1),
      ratio: round(median(this.rates.map((rate, index) => (2 * rate) / around(this.bareRates, index))), 3),
      p50: round(percentile(this.latencies, 0.5), 2),
      p99: round(percentile(this.latencies, 0.99), 2),
      ...{ bareCpu, cpu: known ? cpu : undefined },
      cpuRatio: known ? round(bareCpu / cpu.server, 3) : undefined,
      statements: round(this.statements / signIns, 2),
    };
  }

  get loopDelay(): LoopDelayFigures {
    return {
      p50: median(this.delays.map(({ p50 }) => p50)),
      p99: Math.max(...this.delays.map(({ p99 }) => p99)),
      max: Math.max(...this.delays.map(({ max }) => max)),
      bareP99: Math.max(...this.bareDelays),
    };
  }

  private cpuTimes(): CpuTimes {
    const { user, system } = process.cpuUsage();
    return {
      server: cpuMicroseconds(this.target.pid),
      mainThread: mainThreadMicroseconds(this.target.pid),
      postgres: this.bench.cpuMicroseconds(),
      driver: user + system,
    };
  }
}

const around = (rates: readonly number[], index: number) => (rates[index] ?? 0) + (rates[index + 1] ?? 0);

/** Enough that nobody gets as many sessions as one may have. */
const PEOPLE_PER_CONNECTION = 16;

/** Who signs in over that many connections. */
export function signingIn(connections: number): number {
  return connections * PEOPLE_PER_CONNECTION;
}

/** Over each connection people come back one after the other, each in a browser that is known to them, and sign in. */
async function returningPeople(target: CoreAuthTarget, connections: number): Promise<Journey> {
  const requests: string[] = [];
  for (let number = 0; number < signingIn(connections); number += 1) {
    const connection = await HttpConnection.open(target.port);
    const form = await openForm(connection);
    const answer = await connection.send(submit(form, personOf(number), PASSWORD));
    connection.close();
    const { '__Host-core_auth_devices': device = '' } = cookiesOf(answer);
    if (answer.status !== 303 || device === '') throw new Error(`sign-in answered ${answer.status}`);
    const cookies = { ...form.cookies, '__Host-core_auth_devices': device };
    requests.push(submit({ ...form, cookies }, personOf(number), PASSWORD));
  }
  const turns = new Array<number>(connections).fill(0);
  return async (connection, slot) => {
    const turn = turns[slot] ?? 0;
    turns[slot] = (turn + 1) % PEOPLE_PER_CONNECTION;
    const { status, body } = await connection.send(requests[turn * connections + slot] ?? '');
    if (status !== 303) throw new Error(`sign-in answered ${status}: ${body}`);
  };
}

function delayIn(file: string): LoopDelay | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LoopDelay;
  } catch {
    return undefined;
  }
}
