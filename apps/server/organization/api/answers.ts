import { INSTANT, listOf, nullable, objectOf, UUID, type Answer, type Schema } from '#platform';

const TEXT: Schema = { type: 'string' };
const FLAG: Schema = { type: 'boolean' };
const COUNT: Schema = { type: 'integer', minimum: 0 };
const ROLE: Schema = { enum: ['owner', 'administrator', 'billing', 'member'] };
const CURSOR: Schema = {
  ...nullable(TEXT),
  description: 'The `cursor` of the next page; null on the last one.',
};
const CUSTOM_ROLE = nullable(objectOf({ id: UUID, name: TEXT }));
const HELD_ROLE = nullable(objectOf({ key: TEXT, name: TEXT, permissions: listOf(TEXT) }));
const ORGANIZATION_FIELDS = { id: UUID, key: TEXT, name: TEXT };
const STANDING = {
  created_at: INSTANT,
  suspended_at: nullable(INSTANT),
  deletion_at: nullable(INSTANT),
};

export const OWN_ORGANIZATIONS: Answer = {
  name: 'OwnOrganizations',
  schema: objectOf({
    organizations: listOf(
      objectOf({
        ...ORGANIZATION_FIELDS,
        role: ROLE,
        custom_role: HELD_ROLE,
        suspended_at: nullable(INSTANT),
      }),
    ),
  }),
};

export const NEW_ORGANIZATION: Answer = { name: 'NewOrganization', schema: objectOf(ORGANIZATION_FIELDS) };

export const ORGANIZATION: Answer = {
  name: 'Organization',
  schema: objectOf({
    ...ORGANIZATION_FIELDS,
    ...STANDING,
    role: ROLE,
    people: { type: 'object', additionalProperties: COUNT, description: 'How many there are, by role.' },
    contacts: listOf(objectOf({ name: TEXT, email: TEXT, role: ROLE })),
  }),
};

export const DELETION: Answer = { name: 'Deletion', schema: objectOf({ deletion_at: INSTANT }) };

const PERSON = objectOf({
  user_id: UUID,
  name: TEXT,
  email: TEXT,
  role: ROLE,
  custom_role: CUSTOM_ROLE,
  joined_at: INSTANT,
  disabled_at: nullable(INSTANT),
  second_factor: FLAG,
});

export const PEOPLE: Answer = {
  name: 'People',
  schema: objectOf({ people: listOf(PERSON), next_cursor: CURSOR }),
};

const INVITATION = objectOf({
  id: UUID,
  email: TEXT,
  role: ROLE,
  custom_role: CUSTOM_ROLE,
  license_id: nullable(UUID),
  created_at: INSTANT,
  expires_at: INSTANT,
  mails_sent: COUNT,
});

export const INVITATIONS: Answer = {
  name: 'Invitations',
  schema: objectOf({ invitations: listOf(INVITATION), next_cursor: CURSOR }),
};

export const SENT_INVITATION: Answer = {
  name: 'SentInvitation',
  schema: objectOf({ id: UUID, expires_at: INSTANT }),
};

const OWN_ROLE = objectOf({ id: UUID, key: TEXT, name: TEXT, permissions: listOf(TEXT), holders: COUNT });
export const ACCEPTANCE: Answer = {
  name: 'Acceptance',
  schema: objectOf({
    organization_id: UUID,
    seat_missed: {
      type: 'boolean',
      description: 'Whether a seat was kept for the person that was not to be had any more.',
    },
  }),
};

export const ROLES: Answer = {
  name: 'Roles',
  schema: objectOf({
    roles: listOf(OWN_ROLE),
    permissions: { ...listOf(TEXT), description: 'What the caller may put into a role.' },
  }),
};

export const NEW_ROLE: Answer = { name: 'NewRole', schema: objectOf({ id: UUID }) };

export const SECURITY: Answer = {
  name: 'Security',
  schema: objectOf({
    second_factor: objectOf({
      required: FLAG,
      people: COUNT,
      without: { ...COUNT, description: 'How many of the people have no second factor.' },
    }),
    session_limits: objectOf({ idle_seconds: nullable(COUNT), absolute_seconds: nullable(COUNT) }),
  }),
};

/** As the overview of licenses tells it. */
const LICENSE = objectOf({
  id: UUID,
  organization_id: UUID,
  organization_name: TEXT,
  module_key: TEXT,
  module_name: TEXT,
  environment: TEXT,
  plan_name: TEXT,
  plan_version: COUNT,
  status: { enum: ['draft', 'issued', 'suspended', 'cancelled', 'revoked'] },
  starts_at: INSTANT,
  ends_at: nullable(INSTANT),
  grace_days: COUNT,
  time_zone: TEXT,
  trial: FLAG,
  seat_model: { enum: ['named', 'floating', 'unlimited'] },
  seat_limit: nullable(COUNT),
  seats_in_use: COUNT,
  seats_away: COUNT,
});

export const EXPORT: Answer = {
  name: 'Export',
  schema: objectOf({
    organization: objectOf({ ...ORGANIZATION_FIELDS, ...STANDING }),
    members: listOf(PERSON),
    invitations: listOf(INVITATION),
    roles: listOf(OWN_ROLE),
    licenses: listOf(LICENSE),
  }),
};
