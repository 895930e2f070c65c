import { PublicError } from '#platform';
import type { SessionLimits } from '#sessions';

/** Limits as a form has them: minutes, or nothing where the deployment's setting holds alone. */
export interface TypedLimits {
  readonly idle: string;
  readonly absolute: string;
}

/** @throws PublicError 400 `invalid_session_limits` */
export function limitsOf({ idle, absolute }: TypedLimits): SessionLimits {
  return { idleSeconds: secondsOf(idle, 'without use'), absoluteSeconds: secondsOf(absolute, 'in any case') };
}

export function typedLimits({ idleSeconds, absoluteSeconds }: SessionLimits): TypedLimits {
  return { idle: minutesOf(idleSeconds), absolute: minutesOf(absoluteSeconds) };
}

function secondsOf(text: string, when: string): number | null {
  const minutes = text.trim();
  if (minutes === '') return null;
  if (/^\d{1,6}$/.test(minutes)) return Number(minutes) * 60;
  const sentence = `Enter the minutes ${when} as a whole number, or nothing.`;
  throw new PublicError(400, 'invalid_session_limits', sentence);
}

function minutesOf(seconds: number | null): string {
  return seconds === null ? '' : String(Math.floor(seconds / 60));
}
