import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { commandLine, eventually, signalProcess, startedAt } from './processes.js';

export const SOCKET_FOLDER_PREFIX = 'core-auth-pg-';

/** What postmaster.pid says: line 1 the process, line 5 the socket folder, line 8 the state. */
interface Postmaster {
  readonly pid: number;
  readonly socketFolder: string;
  readonly ready: boolean;
}

export function readPostmasterFile(dataFolder: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  return { pid, socketFolder: lines[4] ?? '', ready: lines[7]?.trim() === 'ready' };
}

/**
 * Ends what a launcher that was killed left behind: a server that still runs on `dataFolder`, its socket folder, and a
 * file that names a process which is not ours. A file that names no living process is left to PostgreSQL, which also
 * looks whether shared memory is still in use before it takes over.
 */
export async function clearPostmasterFile(dataFolder: string): Promise<void> {
  const left = readPostmasterFile(dataFolder);
  if (!left) return;
  const command = commandLine(left.pid);
  const ours = command !== undefined && command.includes('postgres') && command.includes(dataFolder);
  if (ours) await stopPostmaster(left.pid);
  else if (command !== undefined) rmSync(join(dataFolder, 'postmaster.pid'), { force: true });
  if (basename(left.socketFolder).startsWith(SOCKET_FOLDER_PREFIX) && existsSync(left.socketFolder)) {
    rmSync(left.socketFolder, { recursive: true, force: true });
  }
}

/** SIGINT is PostgreSQL's fast shutdown; SIGQUIT, its immediate one, is for a server that does not finish. */
export async function stopPostmaster(pid: number): Promise<void> {
  const born = startedAt(pid);
  const gone = () => startedAt(pid) !== born;
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (gone()) return;
    signalProcess(pid, signal);
    if (await eventually(gone, 10_000)) return;
  }
}
