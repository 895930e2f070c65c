/** A floating seat as Core Auth gives it. */
export interface LeaseAnswer {
  readonly id: string;
  /** Rises with every lease of the license. */
  readonly fence: number;
  /** How long it is held from the answer on, in seconds. */
  readonly seconds: number;
  /** After how long its holder says that they are still there, in seconds. */
  readonly heartbeatSeconds: number;
}

/** Undefined for anything that Core Auth does not answer so. */
export function readLease(body: unknown): LeaseAnswer | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { id, fence, expires_in: seconds, heartbeat_in: heartbeatSeconds } = body as Record<string, unknown>;
  if (typeof id !== 'string' || !isAmount(fence) || !isAmount(seconds) || !isAmount(heartbeatSeconds)) {
    return undefined;
  }
  return { id, fence, seconds, heartbeatSeconds };
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
