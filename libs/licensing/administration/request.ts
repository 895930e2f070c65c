import type { Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { Matches, ValidateBy, validateSync, type ValidationError } from 'class-validator';
import { PublicError } from '#platform';
import { isCalendarDay } from '../license-calendar.js';

/** The largest page of every list. */
export const PAGE = 100;

const MOST_FEATURES = 100;
const KEY = /^[a-z][a-z0-9-]{0,62}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** RFC 3339 §5.6, with a zone. */
const INSTANT =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/**
 * The members of a JSON object or a query, checked by a class of class-validator rules; one that the class does not
 * have is refused rather than dropped, since a misspelled name would leave its meaning out.
 * @throws PublicError 400 `invalid_request` with a sentence for each wrong member
 */
export function readMembers(type: Type<object> | undefined, members: unknown, what: string): object {
  if (!type) throw new Error('a route reads what it does not declare');
  if (typeof members !== 'object' || members === null || Array.isArray(members)) {
    throw invalid(`${what} must be a JSON object.`);
  }
  const instance = plainToInstance(type, members);
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
  return `${Object.values(constraints)[0] ?? `${property} is wrong`}.`;
}

function invalid(sentence: string): PublicError {
  return new PublicError(400, 'invalid_request', sentence);
}

/** An instant with a zone: `2027-12-31T23:00:00.000Z` or `2028-01-01T00:00:00+01:00`. */
export function IsInstant(): PropertyDecorator {
  return ValidateBy({
    name: 'isInstant',
    validator: {
      validate: (value) => typeof value === 'string' && readInstant(value) !== undefined,
      defaultMessage: (about) =>
        `${about?.property ?? 'It'} must be an instant with a zone, such as 2027-12-31T23:00:00Z`,
    },
  });
}

/** `true`, `false` or a whole number; whether the feature takes it is for the catalog to say. */
export function IsFeatureValue(): PropertyDecorator {
  return ValidateBy({
    name: 'isFeatureValue',
    validator: {
      validate: isFeatureValue,
      defaultMessage: (about) => `${about?.property ?? 'It'} must be true, false, a whole number or null`,
    },
  });
}

/** By feature, its value; whether the module has the feature and it takes the value is for the catalog to say. */
export function IsPlanFeatures(): PropertyDecorator {
  return ValidateBy({
    name: 'isPlanFeatures',
    validator: {
      validate: (value) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
        const entries: [string, unknown][] = Object.entries(value as object);
        return (
          entries.length <= MOST_FEATURES &&
          entries.every(([key, given]) => KEY.test(key) && (given === null || isFeatureValue(given)))
        );
      },
      defaultMessage: () =>
        'features must be an object of at most 100 keys of features, each with true, false, a whole number or null',
    },
  });
}

function isFeatureValue(value: unknown): boolean {
  return typeof value === 'boolean' || (Number.isSafeInteger(value) && Number(value) >= 0);
}

/** A whole number in a query, in digits. */
export const IsCount = () =>
  Matches(/^([1-9]\d?|100)$/, { message: `limit must be a whole number from 1 to ${PAGE}` });

export const IsCatalogKey = () =>
  Matches(KEY, {
    message: ({ property }) =>
      `${property} must be a key: small letters, digits and hyphens, a letter first, at most 63`,
  });

function readInstant(text: string): Date | undefined {
  const [, day] = INSTANT.exec(text) ?? [];
  if (day === undefined || !isCalendarDay(day)) return undefined;
  const instant = new Date(text);
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}

/** @param text that `IsInstant` has let through */
export function instant(text: string): Date;
export function instant(text: string | null | undefined): Date | undefined;
export function instant(text: string | null | undefined): Date | undefined {
  if (text === undefined || text === null) return undefined;
  const read = readInstant(text);
  if (!read) throw invalid('An instant has a zone, such as 2027-12-31T23:00:00Z.');
  return read;
}

/** The id of something in an address: what is none names nothing. */
export function idOf(text: string, what: string): string {
  if (UUID.test(text)) return text.toLowerCase();
  throw new PublicError(404, `unknown_${what}`, `There is no such ${what.replaceAll('_', ' ')}.`);
}
