import { open } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  MOST_IMPORT_BYTES,
  readImport,
  SeatImportRepository,
  SeatRepository,
  type ImportLine,
  type ImportTarget,
} from '#licensing';
import { PublicError, type Database } from '#platform';
import { ACTOR } from '../actor.js';
import { refusalsTold, withDatabase } from '../opened-database.js';
import { describeImport, describeResult, progressBar } from '../seat-sentences.js';
import { terminal } from '../terminal.js';

const USAGE = `Usage: core-auth seats import FILE --organization KEY --module KEY [--dry-run]

  Gives seats to the people that a CSV file names: "email" or "email,license" in its first line, one person in each of
  the others. Without a license the first of the module's that has a seat is taken. 10,000 people and 1 MiB at most.

    --organization KEY  whose people they are
    --module KEY        what the seats are for
    --dry-run           say what would happen to each line, and change nothing`;

interface Wish {
  readonly file: string;
  readonly target: ImportTarget;
  readonly dryRun: boolean;
}

/** @returns 0 when every line has its seat, 1 when one was refused or nothing could be done */
export async function seatsCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const wish = wishOf(args);
  if (!wish) {
    terminal.complain(USAGE);
    return 1;
  }
  return refusalsTold(async () => {
    const lines = readImport(await contentOf(wish.file));
    return withDatabase(env, ({ database }) => importSeats(database, lines, wish));
  });
}

/** @returns undefined when the arguments name nothing that can be done */
function wishOf(args: readonly string[]): Wish | undefined {
  const [what, ...rest] = args;
  if (what !== 'import') return undefined;
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      options: {
        organization: { type: 'string' },
        module: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const [file, ...more] = positionals;
    const { organization: organizationKey, module: moduleKey } = values;
    if (!file || more.length > 0 || !organizationKey || !moduleKey) return undefined;
    return { file, target: { organizationKey, moduleKey }, dryRun: values['dry-run'] };
  } catch {
    return undefined;
  }
}

/** No more of the file than shows that it is too large. */
async function contentOf(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error);
  });
  try {
    const buffer = Buffer.alloc(MOST_IMPORT_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException);
  } finally {
    await file.close();
  }
}

function unreadable(path: string, { code }: NodeJS.ErrnoException): PublicError {
  return new PublicError(400, 'unreadable_file', `The file ${path} cannot be read (${code ?? 'unknown'}).`);
}

async function importSeats(
  database: Database,
  lines: readonly ImportLine[],
  { target, dryRun }: Wish,
): Promise<number> {
  const seats = new SeatImportRepository(database, new SeatRepository(database));
  let done = 0;
  const results = dryRun
    ? await seats.plan(lines, target)
    : await seats.run(lines, target, ACTOR.id, () => {
        done += 1;
        terminal.progress(progressBar(done, lines.length));
      });
  terminal.progress('');
  for (const result of results) terminal.say(describeResult(result, dryRun));
  terminal.say(describeImport(results, dryRun));
  return results.some(({ outcome }) => outcome === 'refused') ? 1 : 0;
}
