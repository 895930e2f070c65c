import { resolve } from 'node:path';
import { BenchDatabase } from './bench-database.js';
import { compare, comparisonSteps } from './comparison.js';
import { licensing, licensingSteps, licensingTable } from './licensing.js';
import { machine, pinDriver, type Pinning } from './machine.js';
import { readOptions, USAGE, UsageError, type BenchOptions } from './options.js';
import { Progress } from './progress.js';
import { benchTable, circumstancesText, write } from './report.js';
import { signIns, signInSteps, signInText } from './sign-in.js';
import { soak, soakScales, soakTable } from './soak.js';

/** @returns the exit code: whatever the figures are 0, but 1 when an answer was not as expected */
export async function bench(args: readonly string[], build: () => void): Promise<number> {
  let options: BenchOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}\n`);
    return 1;
  }
  if (options.build) build();
  const name = nameOf(options);
  const progress = new Progress(stepsOf(name, options));
  // asked before this process is bound to one core
  const here = machine();
  const pinning = pinDriver();
  const database = await BenchDatabase.start();
  try {
    const circumstances = { machine: here, postgres: database.version, pinning };
    const [json, text] = await measure(name, database, options, pinning, progress);
    progress.end();
    const conditions = circumstancesText(circumstances, options);
    process.stdout.write(`${text}\n\n${conditions}\n`);
    if (options.output !== undefined) {
      write(resolve(options.output), name, json, `# ${TITLES[name]}\n\n${text}\n\n${conditions}\n`);
    }
    return 0;
  } catch (error) {
    progress.end();
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await database.stop();
  }
}

const TITLES = {
  bench: 'Core Auth beside node-oidc-provider',
  soak: 'Refreshing among more and more authorizations',
  licensing: 'What licenses cost',
  'sign-in': 'Signing in',
} as const;
type Name = keyof typeof TITLES;

function nameOf({ soak, licensing, signIn }: BenchOptions): Name {
  if (soak) return 'soak';
  if (licensing) return 'licensing';
  return signIn ? 'sign-in' : 'bench';
}

function stepsOf(name: Name, options: BenchOptions): number {
  if (name === 'soak') return 2 * soakScales(options.rows).length;
  if (name === 'sign-in') return signInSteps(options);
  return name === 'licensing' ? licensingSteps(options) : comparisonSteps(options);
}

/** The rows as data and as a table. */
async function measure(
  name: Name,
  database: BenchDatabase,
  options: BenchOptions,
  pinning: Pinning | undefined,
  progress: Progress,
): Promise<readonly [json: unknown, text: string]> {
  if (name === 'soak') {
    const rows = await soak(database, options, pinning, progress);
    return [rows, soakTable(rows)];
  }
  if (name === 'licensing') {
    const rows = await licensing(database, options, pinning, progress);
    return [rows, licensingTable(rows)];
  }
  if (name === 'sign-in') {
    const figures = await signIns(database, options, pinning, progress);
    return [figures, signInText(figures)];
  }
  const rows = await compare(database, options, pinning, progress);
  return [rows, benchTable(rows)];
}
