import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuiltProcess } from '../support/built-process.js';
import { freePorts } from '../support/ports.js';

export interface Ports {
  readonly server: number;
  readonly projects: number;
  readonly reports: number;
}

/** `npm start` without the build, on ports and a folder of its own. */
export class Launcher extends BuiltProcess {
  constructor(
    readonly ports: Ports,
    env: Readonly<Record<string, string>>,
  ) {
    super('dist/apps/cli/main.js', { args: ['start'], env: { ...portSettings(ports), ...env } });
  }

  get issuer(): string {
    return `http://localhost:${this.ports.server}`;
  }

  async untilReady(): Promise<this> {
    await this.says(/^ready.*$/m);
    return this;
  }

  get password(): string | undefined {
    return /^Password of each: (\S+)$/m.exec(this.output)?.[1];
  }

  /** The launcher's own processes, by what their command line holds. */
  childPid(fragment: string): number {
    const found = processes().find(
      ({ parent, command }) => parent === this.pid && command.includes(fragment),
    );
    if (!found) throw new Error(`the launcher has no child ${fragment}`);
    return found.pid;
  }
}

export async function launcherPorts(): Promise<Ports> {
  const [server = 0, projects = 0, reports = 0] = await freePorts(3);
  return { server, projects, reports };
}

function portSettings({ server, projects, reports }: Ports): Record<string, string> {
  return { PORT: String(server), PROJECTS_PORT: String(projects), REPORTS_PORT: String(reports) };
}

export interface Folder {
  readonly path: string;
  remove(): void;
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'core-auth-launch-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Whether a process still runs whose command line holds this. */
export function runs(fragment: string): boolean {
  return processes().some(({ command }) => command.includes(fragment));
}

interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function processes(): RunningProcess[] {
  return existsSync('/proc/self/stat') ? fromProc() : fromPs();
}

function fromProc(): RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z') return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent: Number(parent), command }];
      } catch {
        // it has ended meanwhile
        return [];
      }
    });
}

function fromPs(): RunningProcess[] {
  return execFileSync('ps', ['-axo', 'pid=,ppid=,command='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap((match) =>
      match ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3] ?? '' }] : [],
    );
}
