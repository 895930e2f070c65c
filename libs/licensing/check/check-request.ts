import { isUUID } from 'class-validator';
import { defaultEnvironment, type DecisionQuestion } from '@core-auth/module-kit/licensing';
import { PublicError } from '#platform';
import { isCatalogKey } from '../catalog.js';

const MOST_QUESTIONS = 100;
const TEXT = /^[^\p{Cc}\p{Cs}]{1,63}$/u;

export interface CheckQuestion extends DecisionQuestion {
  /** Null: the token that the module was shown names no organization. */
  readonly organizationId: string | null;
}

export interface CheckRequest {
  /** Whether the body was a question itself, and not a list of them. */
  readonly single: boolean;
  /** 1 to 100. */
  readonly questions: readonly CheckQuestion[];
}

type Members = Readonly<Record<string, unknown>>;
type Read<T> = (value: unknown) => T | undefined;

const KNOWN = new Set([
  'organization_id',
  'user_id',
  'module',
  'environment',
  'feature',
  'amount',
  'current',
]);

/**
 * Reads one question, or `{ "questions": [...] }`. A member that is not known is refused rather than ignored: what a
 * misspelled `amount` leaves out would be answered as if it had been meant so.
 * @param moduleKey of the client that asks; a question that names no module is about this one
 * @throws PublicError 400 `invalid_request` naming the place (`questions[3].amount`); 403 `access_denied` for a
 * question about another module
 */
export function parseCheckRequest(body: unknown, moduleKey: string): CheckRequest {
  const root = membersOf(body, 'The body');
  if (!Object.hasOwn(root, 'questions')) {
    return { single: true, questions: ownModule([questionOf(root, '', moduleKey)], moduleKey) };
  }
  refuseUnknown(root, new Set(['questions']), '');
  const list = root['questions'];
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_QUESTIONS) {
    throw invalid(`questions must be a list of 1 to ${MOST_QUESTIONS} questions.`);
  }
  const questions = list.map((question: unknown, index) => {
    const place = `questions[${index}]`;
    return questionOf(membersOf(question, place), `${place}.`, moduleKey);
  });
  return { single: false, questions: ownModule(questions, moduleKey) };
}

function questionOf(members: Members, prefix: string, moduleKey: string): CheckQuestion {
  refuseUnknown(members, KNOWN, prefix);
  const read = <T>(name: string, expected: string, of: Read<T>): T | undefined => {
    if (!Object.hasOwn(members, name)) return undefined;
    const value = of(members[name]);
    if (value === undefined) throw invalid(`${prefix}${name} must be ${expected}.`);
    return value;
  };
  const organizationId = read('organization_id', 'a UUID, or null for a token that names none', orNull(uuid));
  if (organizationId === undefined) throw invalid(`${prefix}organization_id is missing.`);
  const feature = read('feature', "a feature's key", key);
  const amount = read('amount', WHOLE, whole);
  const current = read('current', WHOLE, whole);
  return {
    organizationId,
    userId: read('user_id', 'a UUID, or null for a machine', orNull(uuid)) ?? null,
    module: read('module', "a module's key", key) ?? moduleKey,
    environment: read('environment', 'a text of 1 to 63 characters', text) ?? defaultEnvironment,
    ...(feature === undefined ? {} : { feature }),
    ...(amount === undefined ? {} : { amount }),
    ...(current === undefined ? {} : { current }),
  };
}

const WHOLE = 'a whole number from 0 to 9007199254740991';

/** Ids are compared as PostgreSQL writes them. */
const uuid: Read<string> = (value) => (isUUID(value) ? (value as string).toLowerCase() : undefined);
const key: Read<string> = (value) => (typeof value === 'string' && isCatalogKey(value) ? value : undefined);
const text: Read<string> = (value) => (typeof value === 'string' && TEXT.test(value) ? value : undefined);
const whole: Read<number> = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

function orNull<T>(read: Read<T>): Read<T | null> {
  return (value) => (value === null ? null : read(value));
}

function membersOf(value: unknown, place: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${place} must be a JSON object.`);
  }
  return value as Members;
}

function refuseUnknown(members: Members, known: ReadonlySet<string>, prefix: string): void {
  const unknown = Object.keys(members).find((name) => !known.has(name));
  if (unknown === undefined) return;
  // a name that could be none is not repeated
  throw invalid(
    /^[\w-]{1,63}$/.test(unknown)
      ? `${prefix}${unknown} is not a member of a question.`
      : `${prefix === '' ? 'The body' : prefix.slice(0, -1)} has a member that is not one of a question.`,
  );
}

function ownModule(questions: readonly CheckQuestion[], moduleKey: string): readonly CheckQuestion[] {
  if (questions.every(({ module }) => module === moduleKey)) return questions;
  throw new PublicError(403, 'access_denied', 'A client asks about the licenses of its own module alone.');
}

function invalid(sentence: string): PublicError {
  return new PublicError(400, 'invalid_request', sentence);
}
