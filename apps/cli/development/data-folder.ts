import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { LaunchError, systemReason } from './launch-error.js';
import { startedAt } from './processes.js';

/** What a development system makes for itself on its first start and keeps, readable by its owner alone. */
export interface GeneratedSecrets {
  readonly keyEncryptionKeys: string;
  readonly databasePassword: string;
  readonly projectsClientSecret: string;
  readonly reportsClientSecret: string;
  readonly billingClientSecret: string;
  readonly demonstrationPassword: string;
}

/** What a command needs to work on the system that runs on a folder. */
export interface RunningSystem {
  readonly issuer: string;
  readonly databaseUrl: string;
  readonly keyEncryptionKeys: string;
}

interface Owner {
  readonly pid: number;
  readonly born: string | undefined;
}

/** DATA_DIR, held by one launcher at a time. */
export class DataFolder {
  private constructor(
    readonly path: string,
    private kept: GeneratedSecrets,
  ) {}

  /** @param demonstrationPassword kept as the demonstration's, when this is the first start */
  static open(path: string, demonstrationPassword?: string): DataFolder {
    try {
      // root's PostgreSQL runs as nobody, who has to pass; the secrets below are files of mode 0600
      makeFolders(path, process.getuid?.() === 0 ? 0o711 : 0o700);
      hold(path);
    } catch (error) {
      if (error instanceof LaunchError) throw error;
      throw new LaunchError(`DATA_DIR ${path} cannot be written: ${systemReason(error)}.`, { cause: error });
    }
    try {
      return new DataFolder(path, readOrMakeSecrets(path, demonstrationPassword));
    } catch (error) {
      letGo(path);
      throw error;
    }
  }

  get secrets(): GeneratedSecrets {
    return this.kept;
  }

  /** So that a later start can print it again. */
  keepDemonstrationPassword(demonstrationPassword: string): void {
    if (demonstrationPassword === this.kept.demonstrationPassword) return;
    this.kept = { ...this.kept, demonstrationPassword };
    writePrivate(join(this.path, 'secrets.json'), this.kept);
  }

  get clusterFolder(): string {
    return join(this.path, 'postgres');
  }

  logFile(name: string): string {
    mkdirSync(join(this.path, 'logs'), { recursive: true, mode: 0o700 });
    return join(this.path, 'logs', `${name}.log`);
  }

  /** So that the commands of a second terminal find the system. */
  announce(running: RunningSystem): void {
    writePrivate(announcement(this.path), running);
  }

  release(): void {
    rmSync(announcement(this.path), { force: true });
    letGo(this.path);
  }

  /**
   * The system that runs on a folder; `silent` has announced nothing, since it is starting still or has a database that
   * is not the folder's.
   * @throws LaunchError of a system that another user runs
   */
  static running(path: string): RunningSystem | 'silent' | 'none' {
    if (!holderOf(join(path, 'launcher.pid'))) return 'none';
    try {
      return JSON.parse(readFileSync(announcement(path), 'utf8')) as RunningSystem;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'silent';
      throw new LaunchError(`${announcement(path)} cannot be read: ${systemReason(error)}.`, {
        cause: error,
      });
    }
  }
}

function announcement(path: string): string {
  return join(path, 'running.json');
}

/** One by one: a recursive mkdir never returns where the parent is there and refuses with ENOENT, as /proc does. */
function makeFolders(path: string, mode: number): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolders(dirname(path), 0o755);
  mkdirSync(path, { mode });
}

function hold(path: string): void {
  const lock = join(path, 'launcher.pid');
  const mine = `${lock}.${process.pid}`;
  const owner: Owner = { pid: process.pid, born: startedAt(process.pid) };
  writeFileSync(mine, JSON.stringify(owner), { mode: 0o600 });
  try {
    for (let tries = 0; ; tries += 1) {
      try {
        // a link appears whole or not at all, and only where there is none
        linkSync(mine, lock);
        // of a launcher that was killed
        rmSync(announcement(path), { force: true });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries === 3) throw error;
      }
      const holder = holderOf(lock);
      if (holder) {
        throw new LaunchError(
          `Core Auth is running already on ${path} (process ${holder.pid}). Stop it first, or set DATA_DIR and the ports to others.`,
        );
      }
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function letGo(path: string): void {
  const lock = join(path, 'launcher.pid');
  if (readOwner(lock)?.pid === process.pid) rmSync(lock, { force: true });
}

/** Who holds a folder; undefined when its launcher has ended. */
function holderOf(lock: string): Owner | undefined {
  const owner = readOwner(lock);
  return owner?.born !== undefined && startedAt(owner.pid) === owner.born ? owner : undefined;
}

function readOwner(lock: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

function readOrMakeSecrets(path: string, demonstrationPassword: string | undefined): GeneratedSecrets {
  const file = join(path, 'secrets.json');
  if (existsSync(file)) {
    const { billingClientSecret, ...others } = parseSecrets(file);
    chmodSync(file, 0o600);
    // a folder that an earlier release has made lacks it
    const kept = { ...others, billingClientSecret: billingClientSecret ?? clientSecret() };
    if (billingClientSecret === undefined) writePrivate(file, kept);
    return kept;
  }
  if (existsSync(join(path, 'postgres', 'PG_VERSION'))) {
    throw new LaunchError(
      `${path} holds a database, but the secrets that belong to it are gone (${file}). Put the file back, or remove the folder to begin anew.`,
    );
  }
  const made: GeneratedSecrets = {
    keyEncryptionKeys: `development:${randomBytes(32).toString('base64url')}`,
    databasePassword: randomBytes(24).toString('base64url'),
    projectsClientSecret: clientSecret(),
    reportsClientSecret: clientSecret(),
    billingClientSecret: clientSecret(),
    demonstrationPassword: demonstrationPassword ?? readablePassword(),
  };
  writePrivate(file, made);
  return made;
}

/** Whole or not at all, and never readable by others on the way. */
function writePrivate(file: string, content: GeneratedSecrets | RunningSystem): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, file);
}

type KeptSecrets = Omit<GeneratedSecrets, 'billingClientSecret'> & Partial<GeneratedSecrets>;

function parseSecrets(file: string): KeptSecrets {
  const names: (keyof GeneratedSecrets)[] = [
    'keyEncryptionKeys',
    'databasePassword',
    'projectsClientSecret',
    'reportsClientSecret',
    'demonstrationPassword',
  ];
  let value: Partial<Record<string, unknown>>;
  try {
    value = JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<string, unknown>>;
  } catch (error) {
    throw new LaunchError(`${file} cannot be read: ${systemReason(error)}.`, { cause: error });
  }
  const missing = names.filter((name) => typeof value[name] !== 'string' || value[name] === '');
  if (missing.length > 0) throw new LaunchError(`${file} is damaged: ${missing.join(', ')} missing.`);
  return value as unknown as KeptSecrets;
}

function clientSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** 100 random bits in letters and digits that nobody confuses, to be read from one screen and typed at another. */
function readablePassword(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const letters = [...randomBytes(20)].map((byte) => alphabet[byte % alphabet.length]).join('');
  return (letters.match(/.{5}/g) ?? []).join('-');
}
