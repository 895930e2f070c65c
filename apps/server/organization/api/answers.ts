import { INSTANT, listOf, nullable, objectOf, UUID, type Answer, type Schema } from '#platform';

const TEXT: Schema = { type: 'string' };
const COUNT: Schema = { type: 'integer', minimum: 0 };
const ROLE: Schema = { enum: ['owner', 'administrator', 'billing', 'member'] };
const CURSOR: Schema = {
  ...nullable(TEXT),
  description: 'The `cursor` of the next page; null on the last one.',
};
const CUSTOM_ROLE = nullable(objectOf({ id: UUID, name: TEXT }));
const HELD_ROLE = nullable(objectOf({ key: TEXT, name: TEXT, permissions: listOf(TEXT) }));
const ORGANIZATION_FIELDS = { id: UUID, key: TEXT, name: TEXT };

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
    created_at: INSTANT,
    suspended_at: nullable(INSTANT),
    deletion_at: nullable(INSTANT),
    role: ROLE,
    people: { type: 'object', additionalProperties: COUNT, description: 'How many there are, by role.' },
    contacts: listOf(objectOf({ name: TEXT, email: TEXT, role: ROLE })),
  }),
};

export const EXPORT: Answer = {
  name: 'Export',
  schema: {
    type: 'object',
    description: 'The organization with its members, invitations, roles and licenses, all of them.',
  },
};

export const DELETION: Answer = { name: 'Deletion', schema: objectOf({ deletion_at: INSTANT }) };

export const PEOPLE: Answer = {
  name: 'People',
  schema: objectOf({
    people: listOf(
      objectOf({
        user_id: UUID,
        name: TEXT,
        email: TEXT,
        role: ROLE,
        custom_role: CUSTOM_ROLE,
        joined_at: INSTANT,
        disabled_at: nullable(INSTANT),
        second_factor: { type: 'boolean' },
      }),
    ),
    next_cursor: CURSOR,
  }),
};

export const INVITATIONS: Answer = {
  name: 'Invitations',
  schema: objectOf({
    invitations: listOf(
      objectOf({
        id: UUID,
        email: TEXT,
        role: ROLE,
        custom_role: CUSTOM_ROLE,
        license_id: nullable(UUID),
        created_at: INSTANT,
        expires_at: INSTANT,
        mails_sent: COUNT,
      }),
    ),
    next_cursor: CURSOR,
  }),
};

export const SENT_INVITATION: Answer = {
  name: 'SentInvitation',
  schema: objectOf({ id: UUID, expires_at: INSTANT }),
};

export const ROLES: Answer = {
  name: 'Roles',
  schema: objectOf({
    roles: listOf(objectOf({ id: UUID, key: TEXT, name: TEXT, permissions: listOf(TEXT), holders: COUNT })),
    permissions: { ...listOf(TEXT), description: 'What the caller may put into a role.' },
  }),
};

export const NEW_ROLE: Answer = { name: 'NewRole', schema: objectOf({ id: UUID }) };

export const SECURITY: Answer = {
  name: 'Security',
  schema: objectOf({
    second_factor: objectOf({
      required: { type: 'boolean' },
      people: COUNT,
      without: { ...COUNT, description: 'How many of the people have no second factor.' },
    }),
    session_limits: objectOf({ idle_seconds: nullable(COUNT), absolute_seconds: nullable(COUNT) }),
  }),
};
