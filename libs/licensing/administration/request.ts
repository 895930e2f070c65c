import { Matches, ValidateBy } from 'class-validator';
import { PublicError } from '#platform';
import { isCalendarDay } from '../license-calendar.js';

/** The largest page of every list. */
export const PAGE = 100;

const MOST_FEATURES = 100;
const KEY = /^[a-z][a-z0-9-]{0,62}$/;
/** RFC 3339 §5.6, with a zone. */
const INSTANT =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** An instant with a zone: `2027-12-31T23:00:00.000Z` or `2028-01-01T00:00:00+01:00`. */
export function IsInstant(): PropertyDecorator {
  return ValidateBy({
    name: 'isInstant',
    validator: {
      validate: (value) => typeof value === 'string' && readInstant(value) !== undefined,
      defaultMessage: (about) =>
        `${about?.property ?? 'It'} must be an instant with a zone, such as 2027-12-31T23:00:00Z, between the years 2000 and 2999`,
    },
  });
}

/** Why something is done, for the history: one to 500 characters of text. */
export function IsReason(): PropertyDecorator {
  return ValidateBy({
    name: 'isReason',
    validator: {
      validate: (value) => typeof value === 'string' && isReason(value),
      defaultMessage: () => 'reason must be a text of 1 to 500 characters without control characters',
    },
  });
}

/** `true`, `false` or a whole number; whether the feature takes it is for the catalog to say. */
export function IsFeatureValue(): PropertyDecorator {
  return ValidateBy({
    name: 'isFeatureValue',
    validator: {
      validate: isFeatureValue,
      defaultMessage: (about) =>
        `${about?.property ?? 'It'} must be true, false, a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, or null for unlimited`,
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
        `features must be an object of at most ${MOST_FEATURES} keys of features, each with true, false, a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, or null for unlimited`,
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

function isReason(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,500}$/u.test(text) && text.trim() !== '';
}

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
  if (!read) {
    throw new PublicError(
      400,
      'invalid_request',
      'An instant has a zone, such as 2027-12-31T23:00:00Z, and is between the years 2000 and 2999.',
    );
  }
  return read;
}
