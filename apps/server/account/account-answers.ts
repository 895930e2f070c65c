import { INSTANT, listOf, nullable, objectOf, UUID, type Answer, type Schema } from '#platform';

const TEXT: Schema = { type: 'string' };
const FLAG: Schema = { type: 'boolean' };
const COUNT: Schema = { type: 'integer', minimum: 0 };
const ROLE: Schema = { enum: ['owner', 'administrator', 'billing', 'member'] };
const LATER = nullable(INSTANT);

export const ACCOUNT: Answer = {
  name: 'Account',
  schema: objectOf({
    id: UUID,
    name: TEXT,
    email: TEXT,
    email_verified: FLAG,
    deletion_at: LATER,
    organizations: {
      ...listOf(
        objectOf({
          id: UUID,
          key: TEXT,
          name: TEXT,
          role: ROLE,
          custom_role: nullable(objectOf({ key: TEXT, name: TEXT })),
        }),
      ),
      description: 'The one that the token is for; of a token for none, none.',
    },
  }),
};

export const SESSIONS: Answer = {
  name: 'Sessions',
  schema: objectOf({
    sessions: listOf(
      objectOf({
        id: UUID,
        device: TEXT,
        address: nullable(TEXT),
        signed_in_at: INSTANT,
        last_used_at: INSTANT,
        organization: {
          ...nullable(TEXT),
          description: 'The name of the one that the token is for, where the session acts for it.',
        },
        current: { ...FLAG, description: 'Whether the token hangs on it.' },
      }),
    ),
  }),
};

export const ENDED_SESSIONS: Answer = { name: 'EndedSessions', schema: objectOf({ ended: COUNT }) };

export const APPLICATIONS: Answer = {
  name: 'Applications',
  schema: objectOf({
    applications: listOf(
      objectOf({
        client_id: TEXT,
        name: TEXT,
        first_party: FLAG,
        organization: {
          ...nullable(objectOf({ id: UUID, name: TEXT })),
          description: 'Null: for none, as a token for none is.',
        },
        scopes: listOf(TEXT),
        since: INSTANT,
        last_used_at: LATER,
      }),
    ),
  }),
};

export const DELETION: Answer = { name: 'Deletion', schema: objectOf({ deletion_at: INSTANT }) };

const USED = { created_at: INSTANT, last_used_at: LATER };

export const FACTORS: Answer = {
  name: 'Factors',
  schema: objectOf({
    authenticator_app: nullable(objectOf(USED)),
    passkeys: listOf(objectOf({ id: UUID, name: TEXT, synced: FLAG, ...USED })),
    recovery_codes_left: COUNT,
  }),
};

export const APP_OFFER: Answer = {
  name: 'AuthenticatorAppOffer',
  schema: objectOf({
    offer: { ...TEXT, description: 'To be sent back with the first code, within 15 minutes.' },
    secret: { ...TEXT, description: 'In base32, for who types it.' },
    uri: { ...TEXT, description: 'For the QR code.' },
  }),
};

/** Web Authentication Level 3 §5.1.9: `PublicKeyCredential.parseCreationOptionsFromJSON()` takes it. */
export const PASSKEY_OPTIONS: Answer = {
  name: 'PasskeyOptions',
  schema: objectOf({
    rp: objectOf({ id: TEXT, name: TEXT }),
    user: objectOf({ id: TEXT, name: TEXT, displayName: TEXT }),
    challenge: { ...TEXT, description: 'base64url' },
    pubKeyCredParams: listOf(objectOf({ type: TEXT, alg: { type: 'integer' } })),
    timeout: { ...COUNT, description: 'In milliseconds.' },
    excludeCredentials: listOf(objectOf({ id: TEXT, type: TEXT }, { transports: listOf(TEXT) })),
    authenticatorSelection: objectOf({ residentKey: TEXT, userVerification: TEXT, requireResidentKey: FLAG }),
    attestation: TEXT,
    hints: listOf(TEXT),
    extensions: objectOf({ credProps: FLAG }),
  }),
};

export const RECOVERY_CODES: Answer = {
  name: 'RecoveryCodes',
  schema: objectOf({
    recovery_codes: { ...listOf(TEXT), description: 'Shown this once; none for who has some left.' },
  }),
};

const APPLICATION = { client_id: TEXT, name: TEXT, organization: nullable(TEXT), scopes: listOf(TEXT) };
const SEAT = { organization: TEXT, module: TEXT };

/** Organizations are told by their keys. */
export const ACCOUNT_EXPORT: Answer = {
  name: 'AccountExport',
  schema: objectOf({
    account: objectOf({
      id: UUID,
      email: TEXT,
      email_verified_at: LATER,
      name: TEXT,
      created_at: INSTANT,
      has_password: FLAG,
      password_changed_at: LATER,
      operator: FLAG,
      deletion_at: LATER,
      deletion_told_at: LATER,
    }),
    organizations: listOf(
      objectOf({ key: TEXT, name: TEXT, role: ROLE, custom_role: nullable(TEXT), joined_at: INSTANT }),
    ),
    organizations_created: listOf(objectOf({ key: TEXT, name: TEXT, created_at: INSTANT })),
    invitations: listOf(
      objectOf({
        ...{ organization: TEXT, role: ROLE, invited_at: INSTANT, expires_at: INSTANT },
        ...{ accepted_at: LATER, withdrawn_at: LATER },
      }),
    ),
    authenticator_app: nullable(objectOf(USED)),
    passkeys: listOf(objectOf({ id: UUID, name: TEXT, transports: listOf(TEXT), synced: FLAG, ...USED })),
    recovery_codes: listOf(objectOf({ created_at: INSTANT, used_at: LATER })),
    devices: listOf(
      objectOf({ first_seen_at: INSTANT, last_seen_at: INSTANT, second_factor_remembered_until: LATER }),
    ),
    sessions: listOf(
      objectOf({
        ...{ id: UUID, signed_in_at: INSTANT, last_seen_at: INSTANT, expires_at: INSTANT, ended_at: LATER },
        ...{ methods: listOf(TEXT), organization: nullable(TEXT) },
        ...{ user_agent: nullable(TEXT), address: nullable(TEXT) },
      }),
    ),
    failed_sign_ins: listOf(
      objectOf({ method: TEXT, failures: COUNT, last_failed_at: INSTANT, locked_until: LATER }),
    ),
    mailed_links: listOf(
      objectOf({
        ...{ purpose: TEXT, email: nullable(TEXT), created_at: INSTANT, expires_at: INSTANT, used_at: LATER },
      }),
    ),
    applications: listOf(
      objectOf({
        ...APPLICATION,
        ...{
          resources: nullable(listOf(TEXT)),
          claims: { type: ['object', 'null'] },
          state: TEXT,
          offline: FLAG,
        },
        ...{ since: INSTANT, last_used_at: LATER, expires_at: INSTANT },
      }),
    ),
    consents: listOf(objectOf({ ...APPLICATION, granted_at: INSTANT })),
    seats: listOf(objectOf({ ...SEAT, way: TEXT, assigned_at: INSTANT, released_at: LATER })),
    seat_leases: listOf(
      objectOf({ ...SEAT, device: TEXT, leased_at: INSTANT, expires_at: INSTANT, ended_at: LATER }),
    ),
    usage: listOf(objectOf({ ...SEAT, feature: TEXT, amount: { type: 'number' }, occurred_at: INSTANT })),
    audit: listOf(
      objectOf({
        ...{ occurred_at: INSTANT, act: TEXT, result: TEXT, by_you: FLAG, target: TEXT },
        ...{ organization: nullable(TEXT), address: nullable(TEXT), factor: nullable(TEXT) },
        client_id: nullable(TEXT),
        // as the act wrote it down, which is another for each
        ...{ detail: { type: ['object', 'null'] } },
      }),
    ),
  }),
};
