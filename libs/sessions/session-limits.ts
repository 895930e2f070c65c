/** Seconds after which a session ends; null where the deployment's setting holds alone. */
export interface SessionLimits {
  /** Without use. */
  readonly idleSeconds: number | null;
  /** In any case. */
  readonly absoluteSeconds: number | null;
}

/** Use is noted once a minute, so that a shorter idle time would end sessions that are in use. */
const SHORTEST = 300;

/** Why an organization cannot have these limits, as a sentence; undefined when it can. */
export function sessionLimitsProblem(
  { idleSeconds, absoluteSeconds }: SessionLimits,
  deployment: { readonly sessionIdleSeconds: number; readonly sessionAbsoluteSeconds: number },
): string | undefined {
  return (
    problemOf('without use', idleSeconds, deployment.sessionIdleSeconds) ??
    problemOf('in any case', absoluteSeconds, deployment.sessionAbsoluteSeconds)
  );
}

function problemOf(when: string, seconds: number | null, longest: number): string | undefined {
  if (seconds === null || (Number.isInteger(seconds) && seconds >= SHORTEST && seconds <= longest)) {
    return undefined;
  }
  if (longest < SHORTEST) {
    return `A session ends ${when} after ${longest} seconds here, which no organization can make shorter.`;
  }
  const minutes = `${SHORTEST / 60} to ${Math.floor(longest / 60)} minutes`;
  return `A session can end ${when} after ${minutes} (${SHORTEST} to ${longest} seconds).`;
}
