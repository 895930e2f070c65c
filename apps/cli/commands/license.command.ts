import { parseArgs } from 'node:util';
import { LONGEST_FILE_DAYS } from '@core-auth/module-kit/offline';
import { inspect } from '../license/inspect.js';
import { issueWishOf } from '../license/issue-wish.js';
import { UsageError, type Outcome } from '../license/outcome.js';
import type { ServerAct } from '../license/with-server.js';
import { verify, verifyWishOf } from '../license/verify.js';
import { terminal } from '../terminal.js';

const USAGE = `Usage: core-auth license <what>

With the server's database and keys (DATABASE_URL, CORE_AUTH_KEY_ENCRYPTION_KEYS, CORE_AUTH_URL):

  issue                    write a license file for an instance without a network, and set its seats aside
    --organization KEY     whose license, with
    --module KEY           of which module; or, where there are several,
    --license ID           the license itself
    --instance NAME        who alone may use the file: 1 to 128 letters, digits, dots, _ and -
    --seats N              seats that go with it and are missing online; 0 of a license for everybody
    --days N               how long it holds, ${LONGEST_FILE_DAYS} at most (30 unless told)
    --output FILE          where it goes
    --force                replace that file if it is there
  return <grant or file>   give the seats of a file back; one that was returned before stays so
  keys list                the keys that sign and verify license files
  keys rotate              publish the successor of the one that signs; carry it to the instances before it does
  keys export              the public keys as a JWK Set, for instances
    --output FILE          to this file; --force replaces one

Anywhere, without a database:

  verify <file>            what a module would say to the file; writes what it has seen to the state, as the module does,
                           so that a module which runs with this state has to be stopped first
    --instance NAME        who asks
    --keys FILE            the public keys: a file, or an https address
    --issuer URL           the address of Core Auth; that of the keys unless told
    --state FOLDER         where the state of the instance is: NAME.json in it
  inspect <file>           what a file says of itself, of which nothing is verified

--json answers with one JSON object. Exit codes: 0 done, or allowed; 1 refused, or denied with a code;
2 not tried, because the arguments are wrong or a file cannot be read.`;

const options = {
  organization: { type: 'string' },
  module: { type: 'string' },
  license: { type: 'string' },
  instance: { type: 'string' },
  seats: { type: 'string' },
  days: { type: 'string' },
  output: { type: 'string' },
  force: { type: 'boolean' },
  keys: { type: 'string' },
  issuer: { type: 'string' },
  state: { type: 'string' },
  json: { type: 'boolean' },
} as const;

type Option = keyof typeof options;

/** What each command takes beside `--json`. */
const TAKES = {
  issue: ['organization', 'module', 'license', 'instance', 'seats', 'days', 'output', 'force'],
  return: [],
  verify: ['instance', 'keys', 'issuer', 'state'],
  inspect: [],
  'keys list': [],
  'keys rotate': [],
  'keys export': ['output', 'force'],
} satisfies Record<string, readonly Option[]>;

/** License files for use without a network. The exit codes are those of `Outcome`. */
export async function licenseCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  if (args.some((word) => ['help', '--help', '-h'].includes(word))) {
    terminal.say(USAGE);
    return 0;
  }
  const json = args.includes('--json');
  try {
    const outcome = await run(env, args);
    const answer = json ? JSON.stringify(outcome.json) : outcome.text;
    if (json || outcome.exit === 0) terminal.say(answer);
    else terminal.complain(answer);
    return outcome.exit;
  } catch (error) {
    const { code, message, exit } = await refusalOf(error);
    if (json) terminal.say(JSON.stringify({ error: code, message }));
    else terminal.complain(code === 'invalid_arguments' ? `${message}\n\n${USAGE}` : message);
    return exit;
  }
}

async function refusalOf(error: unknown): Promise<{ code: string; message: string; exit: number }> {
  if (error instanceof UsageError) return { code: error.code, message: error.message, exit: 2 };
  const { PublicError } = await import('#platform');
  if (!(error instanceof PublicError)) throw error;
  return { code: error.code, message: error.publicMessage, exit: 1 };
}

/** @throws UsageError; PublicError */
async function run(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Outcome> {
  const [what = '', ...rest] = args[0] === 'keys' ? [`keys ${args[1] ?? ''}`, ...args.slice(2)] : args;
  if (!isKnown(what)) throw new UsageError('invalid_arguments', 'Say what to do with which license.');
  const { values, positionals } = parsed(rest, TAKES[what]);
  const [named = ''] = positionals;
  const wanted = ['return', 'verify', 'inspect'].includes(what) ? 1 : 0;
  if (positionals.length !== wanted || (wanted === 1 && named === '')) {
    const needs = wanted === 1 ? 'one file' : 'nothing without an option before it';
    throw new UsageError('invalid_arguments', `license ${what} takes ${needs}.`);
  }
  switch (what) {
    case 'verify':
      return verify(verifyWishOf(named, values));
    case 'inspect':
      return inspect(named);
    case 'issue':
      return atServer(env, { what, wish: issueWishOf(values) });
    case 'return':
      return atServer(env, { what, named });
    case 'keys export':
      return atServer(env, { what, output: values.output, force: values.force ?? false });
    case 'keys list':
    case 'keys rotate':
      return atServer(env, { what });
  }
}

/** What opens a database is read from the disk by those alone that need one: it takes most of the time of a command. */
async function atServer(env: NodeJS.ProcessEnv, act: ServerAct): Promise<Outcome> {
  const { withServerDo } = await import('../license/with-server.js');
  return withServerDo(env, act);
}

function isKnown(what: string): what is keyof typeof TAKES {
  return Object.hasOwn(TAKES, what);
}

function parsed(args: readonly string[], takes: readonly Option[]) {
  const known = Object.fromEntries(
    Object.entries(options).filter(([name]) => name === 'json' || takes.includes(name as Option)),
  ) as typeof options;
  try {
    return parseArgs({ args: [...args], options: known, allowPositionals: true });
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\. (?=To specify)/);
    throw new UsageError('invalid_arguments', sentence);
  }
}
