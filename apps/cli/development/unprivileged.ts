import { spawnSync } from 'node:child_process';
import { accessSync, chownSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LaunchError } from './launch-error.js';

/** How to run a program that refuses to run as root: unchanged for an ordinary user, as `nobody` for root. */
export interface Runner {
  readonly command: (program: string, args: readonly string[]) => [string, string[]];
  readonly options: { cwd: string; uid?: number; gid?: number };
  /** Hands a file or folder to the user that the program runs as. */
  readonly own: (path: string) => void;
}

/**
 * Finds the way to run `program` so that it can use `folders`. PostgreSQL refuses root, so root becomes `nobody`;
 * where `nobody` cannot pass the folders above (a home with mode 0700), it is given just the capability to.
 */
export function unprivilegedRunner(program: string, folders: readonly string[]): Runner {
  if (process.getuid?.() !== 0) {
    return { command: (file, args) => [file, [...args]], options: { cwd: '/' }, own: () => undefined };
  }
  const { uid, gid } = nobody();
  const own = (path: string) => chownSync(path, uid, gid);
  if (othersMayRead(program) && folders.every((folder) => othersMayPass(folder))) {
    return { command: (file, args) => [file, [...args]], options: { cwd: '/', uid, gid }, own };
  }
  for (const capabilities of ['+dac_override,+dac_read_search', '+dac_override']) {
    const prefix = setpriv(uid, gid, capabilities);
    const command: Runner['command'] = (file, args) => ['setpriv', [...prefix, file, ...args]];
    const [file, args] = command(program, ['--version']);
    if (spawnSync(file, args, { cwd: '/', stdio: 'ignore' }).status === 0) {
      return { command, options: { cwd: '/' }, own };
    }
  }
  throw new LaunchError(
    `PostgreSQL does not run as root, and the user nobody cannot reach ${[dirname(program), ...folders].join(' or ')}. ` +
      'Start as an ordinary user, or let others pass the folders above (chmod o+x), or set DATABASE_URL.',
  );
}

function setpriv(uid: number, gid: number, capabilities: string): string[] {
  return [
    // initdb asks access(2), which drops the capabilities of a user other than root unless this bit is set
    '--securebits=+no_setuid_fixup',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    `--inh-caps=${capabilities}`,
    `--ambient-caps=${capabilities}`,
  ];
}

/** initdb looks its user up in passwd, so the number has to come from there. */
function nobody(): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (!uid || !gid) {
    throw new LaunchError('PostgreSQL does not run as root, and there is no user nobody. Set DATABASE_URL.');
  }
  return { uid: Number(uid), gid: Number(gid) };
}

function othersMayPass(folder: string): boolean {
  for (let path = folder; ; path = dirname(path)) {
    if (path !== folder && !(statSync(path).mode & constants.S_IXOTH)) return false;
    if (path === dirname(path)) return true;
  }
}

function othersMayRead(program: string): boolean {
  accessSync(program);
  const needed = constants.S_IXOTH | constants.S_IROTH;
  return (statSync(program).mode & needed) === needed && othersMayPass(program);
}
