import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** GiB */
  readonly memory: number;
  readonly system: string;
  readonly node: string;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
  };
}

/** Which core the measured servers have to themselves, and which one the driver and the database share. */
export interface Pinning {
  readonly servers: number;
  readonly others: number;
}

/** Puts this process, and whatever it starts from now on, on one core; undefined where that cannot be done. */
export function pinDriver(): Pinning | undefined {
  const affinity = taskset('-c', '-p', String(process.pid));
  const [servers, others] = affinity === undefined ? [] : coresOf(affinity);
  if (servers === undefined || others === undefined) return undefined;
  pin(process.pid, others);
  return { servers, others };
}

/** All threads that the process has; those to come inherit it. */
export function pin(pid: number, core: number): void {
  if (taskset('-a', '-c', '-p', String(core), String(pid)) === undefined) {
    throw new Error(`process ${pid} could not be put on core ${core}`);
  }
}

function taskset(...args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('taskset', args, { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}

/** Of `pid 1's current affinity list: 0,2-3`. */
function coresOf(affinity: string): number[] {
  return (affinity.split(': ')[1] ?? '')
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = NaN, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** Bytes of memory that the process has now. */
export function residentBytes(pid: number): number {
  if (process.platform === 'linux') {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kibibytes) * 1024;
  }
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout) * 1024;
}

/** Microseconds that the process has computed since it started; undefined where the system does not tell. */
export function cpuMicroseconds(pid: number): number | undefined {
  return process.platform === 'linux' ? computed(statOf(`/proc/${pid}/stat`)) : undefined;
}

/** Of these, what its first thread has: in Node.js the one of the event loop. */
export function mainThreadMicroseconds(pid: number): number | undefined {
  return process.platform === 'linux' ? computed(statOf(`/proc/${pid}/task/${pid}/stat`)) : undefined;
}

/** Of a process and the children that it has now, such as PostgreSQL's. */
export function familyMicroseconds(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const family = others.flatMap((other) => {
    try {
      const stat = statOf(`/proc/${other}/stat`);
      return Number(other) === pid || stat[PARENT] === String(pid) ? [computed(stat)] : [];
    } catch {
      // it has ended since the folder was read
      return [];
    }
  });
  return family.reduce((sum, time) => sum + time, 0);
}

/** proc(5): what follows the name in parentheses; the parent is field 4, utime and stime are 14 and 15, in 1/100 s. */
const [PARENT, USER_TIME, SYSTEM_TIME] = [1, 11, 12] as const;

function statOf(path: string): string[] {
  return readFileSync(path, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
}

function computed(stat: readonly string[]): number {
  return (Number(stat[USER_TIME]) + Number(stat[SYSTEM_TIME])) * 10_000;
}
