import type { Type } from '@nestjs/common';
import { validateSync, type ValidationError } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { PublicError } from './public-error.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The body of a request, as a class of class-validator rules.
 * @throws PublicError 400 `invalid_request`
 */
export function readJsonBody(type: Type<object> | undefined, { headers, body }: FastifyRequest): object {
  if (!/^application\/json *(;|$)/i.test(headers['content-type'] ?? '')) {
    throw invalid('The body must be sent as application/json.');
  }
  return readMembers(type, body, 'The body');
}

/** The query of a request, as a class of class-validator rules. @throws PublicError 400 `invalid_request` */
export function readQuery(type: Type<object> | undefined, { query }: FastifyRequest): object {
  return readMembers(type, { ...(query as object) }, 'The query');
}

/** The id of something in an address: what is none names nothing. @throws PublicError 404 `unknown_…` */
export function idOf(text: string, what: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new PublicError(404, `unknown_${what}`, `There is no such ${what.replaceAll('_', ' ')}.`);
}

/** A member that the class does not have is refused rather than dropped: a misspelled name would leave its meaning out. */
function readMembers(type: Type<object> | undefined, members: unknown, what: string): object {
  if (!type) throw new Error('a route reads what it does not declare');
  if (typeof members !== 'object' || members === null || Array.isArray(members)) {
    throw invalid(`${what} must be a JSON object.`);
  }
  // not by class-transformer, which passes over a member that is called as one of every object's
  const instance = Object.assign(new type(), members);
  const problems = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
  });
  if (problems.length > 0) throw invalid(problems.map(sentenceOf).join(' '));
  return instance;
}

function sentenceOf({ property, constraints = {} }: ValidationError): string {
  if ('whitelistValidation' in constraints) {
    return /^\w{1,63}$/.test(property) ? `There is no ${property} here.` : 'A name is not known here.';
  }
  // decorators run from the last to the first, which says what kind of thing is wanted
  const rule = Object.values(constraints).at(-1) ?? `${property} is wrong`;
  return rule.endsWith('.') ? rule : `${rule}.`;
}

function invalid(sentence: string): PublicError {
  return new PublicError(400, 'invalid_request', sentence);
}
