import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { LaunchError } from './launch-error.js';
import { openLog } from './log-file.js';

export interface Program {
  /** How messages call it, such as `the server`. */
  readonly name: string;
  /** Compiled entry below dist, such as `apps/server/main.js`. */
  readonly entry: string;
  readonly env: NodeJS.ProcessEnv;
  /** Answers 200 once it is ready. */
  readonly readyUrl: string;
  /** Where its output goes; without one, to the terminal. */
  readonly logFile: string | undefined;
}

const READY_WITHIN = 60_000;
const STOP_WITHIN = 12_000;

/** One program of the system as a child. It ends on the IPC channel's `disconnect`, so that it never outlives us. */
export class ChildProgram {
  private constructor(
    private readonly program: Program,
    private readonly child: ChildProcess,
  ) {}

  static spawn(program: Program): ChildProgram {
    const log = program.logFile === undefined ? undefined : openLog(program.logFile);
    const output = log ?? 'inherit';
    const entry = fileURLToPath(new URL(`../../../${program.entry}`, import.meta.url));
    // detached: Ctrl-C in the terminal is for the launcher, which ends its children in order
    const child = spawn(process.execPath, ['--enable-source-maps', entry], {
      env: program.env,
      stdio: ['ignore', output, output, 'ipc'],
      detached: true,
    });
    if (log !== undefined) closeSync(log);
    return new ChildProgram(program, child);
  }

  /** Calls back with a sentence when the program ends by itself. */
  onEnd(listener: (sentence: string) => void): void {
    this.child.once('exit', (code, signal) => {
      listener(
        `${capital(this.program.name)} stopped by itself (${signal ?? `exit code ${code}`}).${this.lastWords()}`,
      );
    });
  }

  /** @throws LaunchError when it takes too long; when `signal` aborts, or the program ends, that is the reason */
  async untilReady(signal: AbortSignal): Promise<void> {
    const end = Date.now() + READY_WITHIN;
    let last = 'no answer';
    while (Date.now() < end) {
      signal.throwIfAborted();
      try {
        const response = await fetch(this.program.readyUrl, { signal: AbortSignal.timeout(2000) });
        await response.body?.cancel();
        if (response.status === 200) return;
        last = `status ${response.status}`;
      } catch {
        last = 'no answer';
      }
      await sleep(50);
    }
    const name = capital(this.program.name);
    throw new LaunchError(
      `${name} was not ready within ${READY_WITHIN / 1000} s: ${last}.${this.lastWords()}`,
    );
  }

  async stop(): Promise<void> {
    this.child.removeAllListeners('exit');
    if (!this.running) return;
    const ended = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_WITHIN);
    await ended;
    clearTimeout(timer);
  }

  private get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  private lastWords(): string {
    const { logFile } = this.program;
    if (logFile === undefined) return '';
    const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-8).join('\n  ');
    return ` ${logFile} ends with:\n  ${lines}`;
  }
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
