import { httpStatusOfDecision } from '@core-auth/module-kit/licensing';
import { INSTANT, listOf, nullable, objectOf, PROBLEM, UUID, type Answer, type Schema } from '#platform';
import { COUNT, FEATURE_VALUE, FLAG, SEAT_MODEL, TEXT } from './administration/answers.js';
import type { Contents } from './module-route.js';

const KEY: Schema = { type: 'string', pattern: '^[a-z][a-z0-9-]{0,62}$' };
const STATUSES = ['draft', 'issued', 'suspended', 'cancelled', 'revoked'];
const CODE: Schema = {
  enum: Object.keys(httpStatusOfDecision),
  description: 'See the guide to licensing, “Every answer”.',
};

const asProblem: Contents = { 'application/problem+json': PROBLEM };
const each = (contents: Contents, ...statuses: (number | 'default')[]) =>
  Object.fromEntries(statuses.map((status) => [status, contents]));

const QUESTION = {
  organization_id: {
    ...nullable(UUID),
    description: 'Of the token that the module was shown; null where it names none.',
  },
};
const MORE = {
  user_id: { ...nullable(UUID), description: 'Null, or left out, for a machine, which takes no seat.' },
  module: { ...KEY, description: 'The client’s own, and no other.' },
  environment: { type: 'string', minLength: 1, maxLength: 63, description: '`production` unless told.' },
  feature: KEY,
  amount: { ...COUNT, description: 'Of a limit or metered use, how many more are wanted; 1 unless told.' },
  current: { ...COUNT, description: 'Of a limit, how many there are; 0 unless told.' },
};
const question: Schema = { ...objectOf(QUESTION, MORE), additionalProperties: false };

export const CHECK_QUESTION: Answer = {
  name: 'CheckRequest',
  schema: {
    anyOf: [
      question,
      {
        ...objectOf({ questions: { ...listOf(question), minItems: 1, maxItems: 100 } }),
        additionalProperties: false,
      },
    ],
  },
};

const DECISION = {
  allow: FLAG,
  code: CODE,
  license_id: nullable(UUID),
  version: { ...nullable(COUNT), description: 'Of the organization’s licenses; null when nothing was read.' },
  decided_at: INSTANT,
  next_transition_at: {
    ...nullable(INSTANT),
    description: 'Until when, exclusive, the answer holds if nobody changes a license.',
  },
};
const LIMIT = {
  limit: { ...nullable(COUNT), description: 'Of a limit or a metered feature; null is unlimited.' },
};
const decision = objectOf(DECISION, LIMIT);

export const CHECK_ANSWER: Answer = {
  name: 'CheckAnswer',
  schema: { anyOf: [decision, objectOf({ answers: listOf(decision) })] },
};

/** A question that the licenses do not allow, or any other problem: the latter has no decision. */
const CHECK_PROBLEM: Contents = {
  'application/problem+json': {
    name: 'CheckProblem',
    schema: { ...PROBLEM.schema, properties: { ...DECISION, ...LIMIT, ...PROBLEM.schema.properties } },
  },
};

export const CHECK_REFUSALS = {
  ...each(asProblem, 400, 401, 'default'),
  ...each(CHECK_PROBLEM, 403, 429, 503),
};

export const SNAPSHOT_REFUSALS = each(asProblem, 400, 401, 403, 404, 429, 'default');

const BLOCKS: Schema = {
  ...listOf(objectOf({ seats: COUNT, until: INSTANT })),
  description: 'Seats that license files took along until then; left out where there are none.',
};
const SNAPSHOT_LICENSE = objectOf(
  {
    id: UUID,
    module: TEXT,
    environment: TEXT,
    status: { enum: STATUSES },
    startsAt: INSTANT,
    endsAt: nullable(INSTANT),
    graceDays: COUNT,
    trial: FLAG,
    overage: { enum: ['refuse', 'allow'] },
    timeZone: TEXT,
    seatOnFirstUse: FLAG,
    terms: listOf(
      objectOf({
        effectiveAt: INSTANT,
        seatModel: SEAT_MODEL,
        seatLimit: nullable(COUNT),
        surplusUntil: nullable(INSTANT),
        features: { type: 'object', additionalProperties: FEATURE_VALUE },
      }),
    ),
    overrides: listOf(
      objectOf({
        feature: TEXT,
        removed: FLAG,
        value: FEATURE_VALUE,
        startsAt: INSTANT,
        endsAt: nullable(INSTANT),
      }),
    ),
    seats: {
      ...listOf(UUID),
      description: 'Who holds a named seat, those who have held theirs longest first.',
    },
  },
  { offlineBlocks: BLOCKS },
);

export const SNAPSHOT: Answer = {
  name: 'LicenseSnapshot',
  schema: objectOf({
    organization: objectOf({ id: UUID, key: TEXT, state: { enum: ['active', 'suspended'] } }),
    version: { ...COUNT, description: 'Rises with every change.' },
    modules: listOf(
      objectOf({
        key: TEXT,
        name: TEXT,
        environment: TEXT,
        baseUrl: TEXT,
        features: listOf(
          objectOf(
            {
              key: TEXT,
              type: { enum: ['boolean', 'limit', 'metered'] },
              combine: { enum: ['max', 'sum'] },
            },
            { period: { enum: ['day', 'month', 'year'] } },
          ),
        ),
      }),
    ),
    licenses: listOf(SNAPSHOT_LICENSE),
  }),
};

export const USE: Answer = {
  name: 'Use',
  schema: objectOf(
    { organization_id: UUID, feature: KEY, amount: { type: 'integer', minimum: 1 } },
    {
      user_id: MORE.user_id,
      request_id: {
        type: 'string',
        pattern: '^[\\x21-\\x7e]{1,128}$',
        description: 'Names the attempt: who repeats a request because its answer was lost repeats it.',
      },
    },
  ),
};

const COUNTED = {
  allow: FLAG,
  code: CODE,
  used: COUNT,
  limit: nullable(COUNT),
  period_starts_at: nullable(INSTANT),
  period_ends_at: nullable(INSTANT),
};

export const COUNTED_USE: Answer = {
  name: 'CountedUse',
  schema: objectOf(COUNTED, {
    replayed: {
      ...FLAG,
      description: 'The key was counted before, for another attempt: give nothing for it.',
    },
  }),
};

/** A use that the licenses do not allow, or any other problem: the latter has no counts. */
const USE_PROBLEM: Contents = {
  'application/problem+json': {
    name: 'UseProblem',
    schema: { ...PROBLEM.schema, properties: { ...COUNTED, replayed: FLAG, ...PROBLEM.schema.properties } },
  },
};

export const USE_REFUSALS = {
  ...each(asProblem, 400, 401, 404, 409, 503, 'default'),
  ...each(USE_PROBLEM, 403, 429),
};

export const PRESENT_USE: Answer = {
  name: 'PresentUse',
  schema: objectOf({
    ...COUNTED,
    licenses: listOf(
      objectOf({
        license_id: UUID,
        used: COUNT,
        limit: nullable(COUNT),
        period_starts_at: INSTANT,
        period_ends_at: INSTANT,
      }),
    ),
  }),
};

export const PROBLEMS = each(asProblem, 400, 401, 403, 404, 429, 'default');

export const WANTED_LEASE: Answer = {
  name: 'WantedLease',
  schema: objectOf({
    organization_id: UUID,
    license_id: UUID,
    user_id: UUID,
    device: {
      type: 'string',
      minLength: 1,
      maxLength: 128,
      description: 'What the person works at: one seat for each.',
    },
  }),
};

export const HELD_LEASE: Answer = {
  name: 'HeldLease',
  schema: objectOf({
    id: TEXT,
    license_id: UUID,
    fence: { ...COUNT, description: 'Higher than that of each lease of the license before.' },
    expires_at: INSTANT,
    expires_in: { ...COUNT, description: 'Seconds.' },
    heartbeat_in: { ...COUNT, description: 'Seconds.' },
  }),
};

export const LEASE_REFUSALS = { ...PROBLEMS, ...each(asProblem, 409) };
