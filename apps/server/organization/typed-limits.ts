import { PublicError } from '#platform';
import { sessionLimitsProblem, type SessionLimits } from '#sessions';

/** Limits as a form has them: minutes, or nothing where the deployment's setting holds alone. */
export interface TypedLimits {
  readonly idle: string;
  readonly absolute: string;
}

/** @throws PublicError 400 `invalid_session_limits` */
export function limitsOf({ idle, absolute }: TypedLimits): SessionLimits {
  return { idleSeconds: secondsOf(idle, 'without use'), absoluteSeconds: secondsOf(absolute, 'in any case') };
}

/** What is wrong with each of the two. */
export function limitErrors(
  { idle, absolute }: TypedLimits,
  deployment: Parameters<typeof sessionLimitsProblem>[1],
): { readonly [field in keyof TypedLimits]: string | undefined } {
  const none = { idleSeconds: null, absoluteSeconds: null };
  return {
    idle: sessionLimitsProblem({ ...none, idleSeconds: readSeconds(idle) }, deployment),
    absolute: sessionLimitsProblem({ ...none, absoluteSeconds: readSeconds(absolute) }, deployment),
  };
}

export function typedLimits({ idleSeconds, absoluteSeconds }: SessionLimits): TypedLimits {
  return { idle: minutesOf(idleSeconds), absolute: minutesOf(absoluteSeconds) };
}

function secondsOf(text: string, when: string): number | null {
  const seconds = readSeconds(text);
  if (!Number.isNaN(seconds)) return seconds;
  const sentence = `Enter the minutes ${when} as a whole number, or nothing.`;
  throw new PublicError(400, 'invalid_session_limits', sentence);
}

/** NaN of what is no number of minutes. */
function readSeconds(text: string): number | null {
  const minutes = text.trim();
  if (minutes === '') return null;
  return /^\d{1,6}$/.test(minutes) ? Number(minutes) * 60 : NaN;
}

function minutesOf(seconds: number | null): string {
  return seconds === null ? '' : String(Math.floor(seconds / 60));
}
