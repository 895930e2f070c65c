import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { CoreAuthRefusal, CoreAuthUnavailable } from '../http/core-auth.client.js';
import { checkUnavailable, ProblemException } from '../http/problem.exception.js';
import { InvalidIdTokenError } from '../sign-in/id-token.js';
import { SignInError } from '../sign-in/sign-in-request.js';

/** What any error is to whoever asked: nothing of the inside shows, and the reason stays in the logs. */
export function toProblem(error: unknown): ProblemException {
  if (error instanceof ProblemException) return error;
  if (error instanceof SignInError) return signInProblem(error);
  if (error instanceof CoreAuthUnavailable)
    return checkUnavailable('Core Auth cannot be reached. Try again in a moment.');
  if (error instanceof InvalidIdTokenError || error instanceof CoreAuthRefusal) {
    return signInProblem(new SignInError('invalid_response', true));
  }
  if (error instanceof HttpException) return httpProblem(error);
  // Fastify's own refusals: a malformed or oversized body, a wrong content type.
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) return plain(status);
  return plain(500);
}

function plain(status: number): ProblemException {
  const title = sentenceCase(STATUS_CODES[status] ?? 'Error');
  const details: Record<number, string> = {
    400: 'The request cannot be read.',
    404: 'There is nothing at this address.',
    413: 'The request is too large.',
    415: 'The request has a content type that is not taken here.',
    500: 'Something went wrong here. It has been noted.',
  };
  const code = title.toUpperCase().replace(/[^A-Z]+/g, '_');
  return new ProblemException(status, code, title, details[status] ?? 'The request was refused.');
}

/** `Not Found` as the other headings are written; what is an abbreviation (`URI Too Long`) stays one. */
function sentenceCase(phrase: string): string {
  return phrase.replace(/ [A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
}

/** Keeps the messages of Nest's exceptions, which are meant for the caller (validation's among them). */
function httpProblem(error: HttpException): ProblemException {
  const status = error.getStatus();
  const base = plain(status);
  if (status >= 500 || status === 404) return base;
  const body = error.getResponse();
  const message = typeof body === 'string' ? body : (body as { message?: unknown }).message;
  const texts = (Array.isArray(message) ? message : [message]).filter((text) => typeof text === 'string');
  if (texts.length === 0) return base;
  return new ProblemException(status, base.code, base.title, `${texts.join('. ')}.`.replace(/\.\.$/, '.'));
}

function signInProblem(error: SignInError): ProblemException {
  const members = { retry: error.retry };
  const [status, title, detail] = SIGN_IN_TEXTS[error.code] ?? [
    400,
    'Sign-in failed',
    'Core Auth refused this sign-in. If it happens again, tell whoever runs this module.',
  ];
  return new ProblemException(status, error.code, title, detail, { members });
}

/** The authorization server's codes (RFC 6749 section 4.1.2.1) and the kit's own. */
const SIGN_IN_TEXTS: Readonly<Record<string, readonly [number, string, string]>> = {
  access_denied: [
    403,
    'Sign-in was not completed',
    'You, or your organization, did not give access. Nothing was changed.',
  ],
  unknown_state: [
    400,
    'Sign-in has gone stale',
    'This sign-in began in another browser, or too long ago. Start again.',
  ],
  issuer_mismatch: [400, 'Sign-in refused', 'The answer did not come from Core Auth. Start again from here.'],
  invalid_response: [400, 'Sign-in refused', 'The answer of Core Auth could not be verified. Start again.'],
  temporarily_unavailable: [503, 'Temporarily unavailable', 'Core Auth is busy. Try again in a moment.'],
  server_error: [503, 'Temporarily unavailable', 'Core Auth had a problem. Try again in a moment.'],
};
