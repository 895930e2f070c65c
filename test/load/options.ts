import { parseArgs } from 'node:util';
import { OPERATIONS } from './operations.js';

export interface BenchOptions {
  readonly output: string | undefined;
  /** Seconds of one round of one operation at one server. */
  readonly duration: number;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly rows: number;
  readonly connections: number;
  readonly soak: boolean;
  readonly licensing: boolean;
  readonly signIn: boolean;
  readonly profile: string | undefined;
  readonly build: boolean;
}

export class UsageError extends Error {}

export const USAGE = `npm run bench -- [options]
  --output DIR       write bench.json and bench.md (with --soak, --licensing or --sign-in: soak.*, licensing.*, sign-in.*) there
  --duration SECONDS of one round of one operation at one server (5; with --sign-in 2)
  --rounds N         rounds of each operation, ours and the peer's in turn (3; with --sign-in 12)
  --only A,B         these operations alone: ${OPERATIONS.map(({ name }) => name).join(', ')}
  --rows N           generated authorizations (10000); with --soak the largest number (1000000)
  --connections N    kept-alive connections of the driver (32)
  --soak             refresh at 1 thousand, 100 thousand and 1 million authorizations instead
  --licensing        what licenses cost instead: decisions, checks, seats, change to refusal
  --sign-in          sign-ins beside bare argon2id instead, and whether their time tells who has an account
  --profile DIR      write a CPU profile of our server for each operation there; slows it down
  --no-build         use dist/ as it is`;

const MOST_ROWS = 10_000_000;

/** @throws UsageError */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parse(args);
  const only = (values.only ?? '').split(',').filter((name) => name !== '');
  const unknown = only.find((name) => !OPERATIONS.some((operation) => operation.name === name));
  if (unknown !== undefined) throw new UsageError(`There is no operation "${unknown}".`);
  const soak = values.soak ?? false;
  const licensing = values.licensing ?? false;
  const signIn = values['sign-in'] ?? false;
  if ([soak, licensing, signIn].filter(Boolean).length > 1)
    throw new UsageError('--soak, --licensing and --sign-in are runs of their own.');
  return {
    output: values.output,
    // short rounds in turn, so that what else the machine does falls on both
    duration: number('duration', values.duration ?? (signIn ? '2' : '5'), 0.05, 3600),
    rounds: whole('rounds', values.rounds ?? (signIn ? '12' : '3'), 1, 100),
    only,
    rows: whole('rows', values.rows ?? (soak ? '1000000' : '10000'), 100, MOST_ROWS),
    connections: whole('connections', values.connections ?? '32', 1, 1000),
    soak,
    licensing,
    signIn,
    profile: values.profile,
    build: !(values['no-build'] ?? false),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        output: text,
        duration: text,
        rounds: text,
        only: text,
        rows: text,
        connections: text,
        soak: flag,
        licensing: flag,
        'sign-in': flag,
        profile: text,
        'no-build': flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new UsageError(`--${name} must be ${least} to ${most}.`);
  }
  return value;
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = number(name, text, least, most);
  if (!Number.isInteger(value)) throw new UsageError(`--${name} must be a whole number.`);
  return value;
}
