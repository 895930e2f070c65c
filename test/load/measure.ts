import { median, drive, percentile } from './driver.js';
import type { BenchDatabase } from './bench-database.js';
import { HttpConnection } from './http-connection.js';
import { cpuMicroseconds, residentBytes } from './machine.js';
import type { Operation, Prepared } from './operations.js';
import type { Target } from './target.js';

export interface Figures {
  /** Operations: the median of the rounds. */
  readonly perSecond: number;
  /** Milliseconds, over all rounds. */
  readonly p50: number;
  readonly p99: number;
  /** Reads and writes of one operation, without BEGIN and COMMIT. */
  readonly statements: number;
  /** What one operation asked of PostgreSQL in all. */
  readonly roundTrips: number;
  /** Microseconds that the server computed for one operation; undefined where the system does not tell. */
  readonly cpu: number | undefined;
  /** Bytes of memory of the server after the last round. */
  readonly rss: number;
}

/** One operation at one server, round by round. */
export class Measured {
  private readonly rates: number[] = [];
  private latencies: number[] = [];
  private operations = 0;
  private statements = 0;
  private roundTrips = 0;
  private cpu: number | undefined = 0;
  private rss = 0;

  private constructor(
    private readonly bench: BenchDatabase,
    private readonly target: Target,
    private readonly prepared: Prepared,
    private readonly connections: number,
  ) {}

  /** Makes the server ready, looks once at what it answers, and warms it up. */
  static async prepare(
    bench: BenchDatabase,
    target: Target,
    operation: Operation,
    { connections, warmUp }: { readonly connections: number; readonly warmUp: number },
  ): Promise<Measured> {
    const connection = await HttpConnection.open(target.port);
    try {
      const prepared = await operation.prepare(target, connection, connections);
      await prepared.check(connection);
      await drive(target.port, connections, warmUp, prepared.journey);
      return new Measured(bench, target, prepared, connections);
    } catch (error) {
      throw new Error(`${operation.title} at ${target.title}: ${(error as Error).message}`, { cause: error });
    } finally {
      connection.close();
    }
  }

  async round(seconds: number): Promise<void> {
    await this.bench.forgetStatements();
    const before = cpuMicroseconds(this.target.pid);
    const round = await drive(this.target.port, this.connections, seconds, this.prepared.journey);
    const after = cpuMicroseconds(this.target.pid);
    const { statements, roundTrips } = await this.bench.statements(this.target.database);
    this.rates.push(round.operations / round.seconds);
    this.latencies = this.latencies.concat(round.latencies);
    this.operations += round.operations;
    this.statements += statements;
    this.roundTrips += roundTrips;
    if (before === undefined || after === undefined) this.cpu = undefined;
    else this.cpu = (this.cpu ?? 0) + after - before;
    this.rss = residentBytes(this.target.pid);
  }

  get figures(): Figures {
    const perOperation = (count: number) => round(count / Math.max(1, this.operations), 2);
    return {
      perSecond: round(median(this.rates), 1),
      p50: round(percentile(this.latencies, 0.5), 2),
      p99: round(percentile(this.latencies, 0.99), 2),
      statements: perOperation(this.statements),
      roundTrips: perOperation(this.roundTrips),
      cpu: this.cpu === undefined ? undefined : round(this.cpu / Math.max(1, this.operations), 0),
      rss: this.rss,
    };
  }
}

export function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
