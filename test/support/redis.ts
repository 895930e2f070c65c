import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, eventually, signalProcess, startedAt } from '../../apps/cli/development/processes.js';
import { freePort } from './ports.js';

const PID_FILE = 'redis.pid';

export interface RedisServerOptions {
  /** Working folder; a temporary one unless given. */
  readonly folder?: string;
  /** A free one unless given: pass it to start again where a killed server was. */
  readonly port?: number;
}

/** A real redis-server on the loopback interface that keeps nothing on disk. */
export class RedisServer {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'core-auth-test-redis-'));
    mkdirSync(folder, { recursive: true });
    for (let tries = 1; ; tries += 1) {
      const port = options.port ?? (await freePort());
      const child = spawn(
        'redis-server',
        ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
        { stdio: 'ignore' },
      );
      let failure: Error | undefined;
      child.once('error', (error) => (failure = error));
      if (await answers(port, child)) {
        writeFileSync(join(folder, PID_FILE), String(child.pid));
        return new RedisServer(port, folder, child);
      }
      if (failure || tries === 3)
        throw new Error(`redis-server did not start on port ${port}`, { cause: failure });
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** SIGSTOP freezes it, SIGCONT thaws it, SIGKILL is a crash. */
  signal(signal: NodeJS.Signals): void {
    signalProcess(this.pid, signal);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
      this.signal('SIGCONT');
      this.signal('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ends the server that a killed test run left in `folder`. */
export async function stopRedisIn(folder: string): Promise<void> {
  let pid: number;
  try {
    pid = Number(readFileSync(join(folder, PID_FILE), 'utf8'));
  } catch {
    return;
  }
  if (!commandLine(pid)?.includes('redis-server')) return;
  const born = startedAt(pid);
  signalProcess(pid, 'SIGTERM');
  await eventually(() => startedAt(pid) !== born, 5000);
}

async function answers(port: number, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 250 && child.exitCode === null && child.pid; tries += 1) {
    if (await pong(port)) return child.exitCode === null;
    await sleep(20);
  }
  return false;
}

function pong(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(500);
    for (const event of ['error', 'timeout', 'close'] as const) socket.once(event, () => resolve(false));
    socket.once('data', (data) => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
  });
}
