import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pin, type Pinning } from './machine.js';

export interface HashRound {
  readonly verified: number;
  readonly seconds: number;
  /** Microseconds that the process computed. */
  readonly cpu: number;
  /** p99 of the event loop's delay in milliseconds, in a round that watches it. */
  readonly delay: number;
}

/** A process that does nothing but verify one hash, with the library of the server and on its core. */
export class BareHashes {
  private readonly answers: NodeJS.AsyncIterator<string>;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    child.stderr.pipe(process.stderr);
    this.answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static start(hash: string, password: string, pinning: Pinning | undefined): BareHashes {
    const program = fileURLToPath(new URL('bare-argon2.mjs', import.meta.url));
    const child = spawn(process.execPath, [program, hash, password]);
    if (pinning) pin(child.pid ?? 0, pinning.servers);
    return new BareHashes(child);
  }

  async round(seconds: number, watch = false): Promise<HashRound> {
    this.child.stdin.write(`${JSON.stringify({ seconds, watch })}\n`);
    const { value, done } = await this.answers.next();
    if (done) throw new Error('the process that only hashes has ended');
    return JSON.parse(String(value)) as HashRound;
  }

  stop(): void {
    this.child.stdin.end();
  }
}
