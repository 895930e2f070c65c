import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export interface BuiltProcessOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Only what a program needs to run is inherited, so that a test sees exactly the settings it gave. */
  readonly cwd?: string;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A compiled program of ours, run as in production; it ends when the test run that started it does. */
export class BuiltProcess {
  readonly ended: Promise<Ending>;
  /** Everything that it wrote, standard output and error together. */
  output = '';
  private readonly child: ChildProcess;

  /** @param file such as `dist/apps/server/main.js` */
  constructor(file: string, options: BuiltProcessOptions = {}) {
    const path = join(REPOSITORY, file);
    if (!existsSync(path)) throw new Error(`${file} is not there: run npm run build first`);
    const inherited = Object.fromEntries(
      ['PATH', 'HOME', 'TMPDIR', 'LANG'].map((name) => [name, process.env[name]]),
    );
    this.child = spawn(process.execPath, [path, ...(options.args ?? [])], {
      cwd: options.cwd ?? REPOSITORY,
      env: { ...inherited, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Reads nothing of what it writes, until `resume`. */
  pause(): void {
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.pause();
  }

  resume(): void {
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.resume();
  }

  /** Waits until the output matches; fails with all of it when it does not or the process ends first. */
  async says(pattern: RegExp, milliseconds = 60_000): Promise<RegExpExecArray> {
    return await this.until(
      () => pattern.exec(this.output) ?? undefined,
      `${pattern} in its output`,
      milliseconds,
    );
  }

  /** Waits until a GET of `url` answers 200. */
  async answers(url: string, milliseconds = 30_000): Promise<void> {
    const end = Date.now() + milliseconds;
    while (this.running && Date.now() < end) {
      const response = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.status === 200) return;
      await sleep(50);
    }
    throw new Error(`${url} did not answer 200; the process said:\n${this.output}`);
  }

  /** Asks it to end (SIGTERM unless told) and waits; after 15 s it is killed. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    if (this.running) this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), 15_000);
    const ending = await this.ended;
    clearTimeout(timer);
    return ending;
  }

  private async until<T>(look: () => T | undefined, what: string, milliseconds: number): Promise<T> {
    const end = Date.now() + milliseconds;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (!this.running || Date.now() > end) throw new Error(`no ${what}; the process said:\n${this.output}`);
      await sleep(20);
    }
  }
}
