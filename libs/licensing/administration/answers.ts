import { INSTANT, listOf, nullable, objectOf, UUID, type Answer, type Schema } from '#platform';

/** Null is unlimited. */
export const FEATURE_VALUE: Schema = { type: ['boolean', 'integer', 'null'], minimum: 0 };
export const SEAT_MODEL: Schema = { enum: ['named', 'floating', 'unlimited'] };
export const TEXT: Schema = { type: 'string' };
export const COUNT: Schema = { type: 'integer', minimum: 0 };
export const FLAG: Schema = { type: 'boolean' };

const TERMS = objectOf({
  effective_at: INSTANT,
  plan_version_id: UUID,
  seat_model: SEAT_MODEL,
  seat_limit: nullable(COUNT),
  surplus_until: nullable(INSTANT),
});

const SOLD = {
  id: UUID,
  module: TEXT,
  environment: TEXT,
  status: { enum: ['draft', 'issued', 'suspended', 'cancelled', 'revoked'] },
  version: COUNT,
  starts_at: INSTANT,
  ends_at: nullable(INSTANT),
  last_day: nullable({ type: 'string', format: 'date' }),
  time_zone: TEXT,
  grace_days: COUNT,
  trial: FLAG,
  overage: { enum: ['refuse', 'allow'] },
  seat_on_first_use: FLAG,
  seat_cooldown_seconds: COUNT,
  lease_seconds: COUNT,
  terms: listOf(TERMS),
  overrides: listOf(
    objectOf({
      feature: TEXT,
      removed: FLAG,
      value: FEATURE_VALUE,
      starts_at: INSTANT,
      ends_at: nullable(INSTANT),
    }),
  ),
};

export const LICENSE: Answer = { name: 'License', schema: objectOf({ ...SOLD, organization_id: UUID }) };

export const CHANGED_LICENSE: Answer = {
  name: 'ChangedLicense',
  schema: objectOf(
    { ...SOLD, organization_id: UUID },
    { notice: { ...TEXT, description: 'What has to be done before the change begins, if anything.' } },
  ),
};

export const LICENSE_LIST = pageOf('LicenseList', 'licenses', {
  ...SOLD,
  organization_id: UUID,
  named_seats_in_use: COUNT,
});

export const TERMS_LIST: Answer = { name: 'TermsList', schema: objectOf({ terms: listOf(TERMS) }) };

export const SEAT: Answer = {
  name: 'Seat',
  schema: objectOf({ seat_id: UUID, assigned: FLAG, version: COUNT }),
};

export const SEAT_LIST = pageOf(
  'SeatList',
  'seats',
  {
    user_id: UUID,
    name: TEXT,
    email: TEXT,
    assigned_at: INSTANT,
    way: { enum: ['administrator', 'first-use', 'import', 'invitation'] },
  },
  { named_seats_in_use: COUNT },
);

export const SEAT_IMPORT: Answer = {
  name: 'SeatImport',
  schema: objectOf({
    dry_run: FLAG,
    results: listOf(
      objectOf(
        {
          line: COUNT,
          email: TEXT,
          outcome: { enum: ['assigned', 'already-seated', 'refused'] },
          license_id: nullable(UUID),
        },
        { code: TEXT, problem: TEXT },
      ),
    ),
  }),
};

export const RESERVATION: Answer = {
  name: 'Reservation',
  schema: objectOf({ license_id: UUID, expires_at: INSTANT, reserved: FLAG }),
};

export const RESERVATION_LIST = pageOf('ReservationList', 'reservations', {
  invitation_id: UUID,
  email: nullable(TEXT),
  created_at: INSTANT,
  expires_at: INSTANT,
});

export const LEASE_LIST = pageOf('LeaseList', 'leases', {
  user_id: UUID,
  name: TEXT,
  email: TEXT,
  device: TEXT,
  fence: COUNT,
  leased_at: INSTANT,
  heard_at: INSTANT,
  expires_at: INSTANT,
});

const FILE = { id: UUID, instance: TEXT, seat_block: COUNT, sequence: COUNT, issued_at: INSTANT };

export const LICENSE_FILE: Answer = {
  name: 'LicenseFile',
  schema: objectOf({
    file: TEXT,
    grant: objectOf({
      ...FILE,
      expires_at: INSTANT,
      license_id: UUID,
      organization_id: UUID,
      module_key: TEXT,
      version: COUNT,
    }),
  }),
};

export const LICENSE_FILE_LIST = pageOf('LicenseFileList', 'offline_grants', {
  ...FILE,
  expires_at: INSTANT,
  returned_at: nullable(INSTANT),
  replaced_by: nullable(COUNT),
});

export const RETURNED_FILE: Answer = {
  name: 'ReturnedLicenseFile',
  schema: objectOf({ license_id: UUID, instance: TEXT, seat_block: COUNT, ended: FLAG }),
};

export const USAGE_LIST = pageOf('UsageList', 'usage', {
  organization_id: UUID,
  module: TEXT,
  license_id: UUID,
  feature: TEXT,
  period_starts_at: INSTANT,
  period_ends_at: INSTANT,
  used: COUNT,
  overage: nullable(COUNT),
});

export const DAILY_USE: Answer = {
  name: 'DailyUse',
  schema: objectOf({
    feature: TEXT,
    time_zone: { ...TEXT, description: 'Of the license: its days begin and end by it.' },
    days: listOf(objectOf({ day: { type: 'string', format: 'date' }, used: COUNT })),
    present: {
      ...nullable(
        objectOf({
          ...{ used: COUNT, limit: nullable(COUNT) },
          ...{ period_starts_at: INSTANT, period_ends_at: INSTANT },
        }),
      ),
      description: 'Of the period that goes on, while the license bears use.',
    },
  }),
};

export const TIMELINE = pageOf('Timeline', 'entries', {
  act: TEXT,
  actor: TEXT,
  reason: nullable(TEXT),
  occurred_at: INSTANT,
  // as the change wrote it down, which is another for each act
  detail: { type: ['object', 'null'] },
});

export const PAST_LICENSE: Answer = {
  name: 'PastLicense',
  schema: objectOf({
    at: INSTANT,
    organization_suspended: FLAG,
    license: objectOf({ ...SOLD, seats: listOf(UUID) }),
  }),
};

const PLAN = {
  id: UUID,
  plan: TEXT,
  version: COUNT,
  name: TEXT,
  module: TEXT,
  features: { type: 'object', additionalProperties: FEATURE_VALUE },
  in_use: FLAG,
};

export const PLAN_VERSION: Answer = { name: 'PlanVersion', schema: objectOf(PLAN) };

export const PLAN_LIST = pageOf('PlanList', 'plans', PLAN);

const FEATURE_FIELDS = {
  module: TEXT,
  key: TEXT,
  type: { enum: ['boolean', 'limit', 'metered'] },
  combine: { enum: ['max', 'sum'] },
};

export const FEATURE: Answer = { name: 'Feature', schema: objectOf(FEATURE_FIELDS) };

export const FEATURE_LIST: Answer = {
  name: 'FeatureList',
  schema: objectOf({
    features: listOf(
      objectOf({
        ...FEATURE_FIELDS,
        period: { enum: ['day', 'month', 'year', null] },
        thresholds: nullable(listOf(COUNT)),
      }),
    ),
  }),
};

function pageOf(
  name: string,
  list: string,
  item: Readonly<Record<string, Schema>>,
  beside: Readonly<Record<string, Schema>> = {},
): Answer {
  const next = { ...nullable(TEXT), description: 'The `cursor` of the next page; null on the last one.' };
  return { name, schema: objectOf({ [list]: listOf(objectOf(item)), ...beside, next_cursor: next }) };
}
