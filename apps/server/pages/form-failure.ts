import { waitingTime } from './waiting.js';

/** Why a form was not taken, in words for the person: a summary, and a sentence beside each field that is wrong. */
export interface FormFailure {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** By name of the field. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  /** Seconds until it may be tried again. */
  readonly retryAfter?: number;
}

export const FORM_EXPIRED: FormFailure = {
  status: 403,
  title: 'This form was open for too long',
  text: 'Nothing has been changed. Send it again.',
};

/** Fields that have to be mended. */
export function refused(text: string, fields: Readonly<Record<string, string | undefined>>): FormFailure {
  return { status: 400, title: 'Nothing has been changed', text, fields };
}

export function paused(until: Date, now: Date): FormFailure {
  const retryAfter = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000));
  return {
    status: 429,
    title: 'Too many attempts',
    text: `For your protection, this is paused. Try again in ${waitingTime(retryAfter)}.`,
    retryAfter,
  };
}
