import { HttpConnection } from './http-connection.js';

/** What one connection does again and again; it throws when an answer is not the one expected. */
export type Journey = (connection: HttpConnection, slot: number) => Promise<void>;

export interface Measurement {
  readonly operations: number;
  readonly seconds: number;
  /** Milliseconds each. */
  readonly latencies: readonly number[];
}

/** As `driveOver`, over connections of its own. */
export async function drive(
  port: number,
  connections: number,
  seconds: number,
  journey: Journey,
): Promise<Measurement> {
  const open = await openConnections(port, connections);
  try {
    return await driveOver(open, seconds, journey);
  } finally {
    for (const connection of open) connection.close();
  }
}

export function openConnections(port: number, number: number): Promise<HttpConnection[]> {
  return Promise.all(Array.from({ length: number }, () => HttpConnection.open(port)));
}

/** A closed loop: every connection starts its next operation when the one before is answered. */
export async function driveOver(
  connections: readonly HttpConnection[],
  seconds: number,
  journey: Journey,
): Promise<Measurement> {
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  const loop = async (connection: HttpConnection, slot: number) => {
    for (let begun = performance.now(); begun < end;) {
      await journey(connection, slot);
      const done = performance.now();
      latencies.push(done - begun);
      begun = done;
    }
  };
  await Promise.all(connections.map(loop));
  return { operations: latencies.length, seconds: (performance.now() - start) / 1000, latencies };
}

/** The value below which this share of them lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
