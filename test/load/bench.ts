import { resolve } from 'node:path';
import { BenchDatabase } from './bench-database.js';
import { compare, comparisonSteps } from './comparison.js';
import { machine, pinDriver } from './machine.js';
import { readOptions, USAGE, UsageError, type BenchOptions } from './options.js';
import { Progress } from './progress.js';
import { benchTable, circumstancesText, write } from './report.js';
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
  const progress = new Progress(
    options.soak ? 2 * soakScales(options.rows).length : comparisonSteps(options),
  );
  // asked before this process is bound to one core
  const here = machine();
  const pinning = pinDriver();
  const database = await BenchDatabase.start();
  try {
    const circumstances = { machine: here, postgres: database.version, pinning };
    const [json, text] = options.soak
      ? await soak(database, options, pinning, progress).then((rows) => [rows, soakTable(rows)] as const)
      : await compare(database, options, pinning, progress).then((rows) => [rows, benchTable(rows)] as const);
    progress.end();
    const conditions = circumstancesText(circumstances, options);
    process.stdout.write(`${text}\n\n${conditions}\n`);
    if (options.output !== undefined) {
      const name = options.soak ? 'soak' : 'bench';
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
} as const;
