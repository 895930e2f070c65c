import type { MigrationInterface, QueryRunner } from 'typeorm';

const TERMS = `
  -- what a license gives, from an instant on: the last one that has begun holds, so a change of plan or of seats
  -- may be written down long before, and no job carries it out
  CREATE TABLE license_terms (
    license_id uuid NOT NULL REFERENCES licenses ON DELETE CASCADE,
    effective_at timestamptz NOT NULL,
    plan_version_id uuid NOT NULL REFERENCES plan_versions,
    seat_model text NOT NULL CHECK (seat_model IN ('named', 'floating', 'unlimited')),
    seat_limit integer CHECK (seat_limit BETWEEN 0 AND 1000000),
    -- until when those seated beyond the limit keep access
    surplus_until timestamptz,
    PRIMARY KEY (license_id, effective_at),
    CHECK ((seat_model = 'unlimited') = (seat_limit IS NULL)),
    CHECK (surplus_until IS NULL OR surplus_until >= effective_at)
  );
  CREATE INDEX license_terms_plan_version ON license_terms (plan_version_id);
  INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model, seat_limit)
  SELECT id, starts_at, plan_version_id, seat_model,
         CASE WHEN seat_limit > 1000000 THEN 1000000 ELSE seat_limit END
    FROM licenses;
  -- there was no such limit before
  INSERT INTO audit_events (act, actor, target, organization_id, detail)
  SELECT 'license.limit-seats', 'migration', id, organization_id,
         jsonb_build_object('seat_limit', 1000000, 'seat_limit_before', seat_limit)
    FROM licenses WHERE seat_limit > 1000000;
  ALTER TABLE licenses
    DROP COLUMN plan_version_id,
    DROP COLUMN seat_model,
    DROP COLUMN seat_limit,
    -- the last day that was sold, in the customer's time zone; ends_at is computed from both, once
    ADD COLUMN last_day date,
    ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC',
    -- metered use beyond the limit: refused, or counted and billed
    ADD COLUMN overage text NOT NULL DEFAULT 'refuse' CHECK (overage IN ('refuse', 'allow')),
    -- whether a member who comes without a seat gets a free one
    ADD COLUMN seat_on_first_use boolean NOT NULL DEFAULT false,
    -- how long a seat that was released stays with nobody
    ADD COLUMN seat_cooldown_seconds integer NOT NULL DEFAULT 0
      CHECK (seat_cooldown_seconds BETWEEN 0 AND 31536000),
    ADD COLUMN lease_seconds integer NOT NULL DEFAULT 300 CHECK (lease_seconds BETWEEN 30 AND 86400),
    -- the fence number of the last lease that was given
    ADD COLUMN last_fence bigint NOT NULL DEFAULT 0;`;

const TRIALS = `
  -- one trial of a module for each organization, for ever: it outlives the license
  CREATE TABLE trial_ledger (
    organization_id uuid NOT NULL REFERENCES organizations,
    module_key text NOT NULL REFERENCES modules,
    license_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, module_key)
  );
  CREATE INDEX trial_ledger_module ON trial_ledger (module_key);`;

const SEATS = `
  ALTER TABLE seat_assignments ADD COLUMN way text NOT NULL DEFAULT 'administrator'
    CHECK (way IN ('administrator', 'first-use', 'import', 'invitation'));
  CREATE TABLE seat_reservations (
    license_id uuid NOT NULL REFERENCES licenses ON DELETE CASCADE,
    invitation_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (license_id, invitation_id)
  );
  CREATE INDEX seat_reservations_expiry ON seat_reservations (expires_at);
  CREATE TABLE seat_leases (
    license_id uuid NOT NULL REFERENCES licenses ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- what the person works at: one person at two devices holds two leases
    device text NOT NULL CHECK (length(device) BETWEEN 1 AND 128),
    fence bigint NOT NULL,
    leased_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (license_id, user_id, device)
  ) WITH (fillfactor = 70);
  CREATE INDEX seat_leases_user ON seat_leases (user_id);`;

const METERED_USE = `
  ALTER TABLE features
    -- of a metered feature: how long a counter counts
    ADD COLUMN period text NOT NULL DEFAULT 'month' CHECK (period IN ('day', 'month', 'year')),
    -- percents of the limit that are announced
    ADD COLUMN thresholds integer[] NOT NULL DEFAULT '{80,100}'
      CHECK (cardinality(thresholds) <= 10 AND 1 <= ALL (thresholds) AND 1000 >= ALL (thresholds));
  CREATE TABLE usage_counters (
    license_id uuid NOT NULL REFERENCES licenses ON DELETE CASCADE,
    feature_key text NOT NULL,
    period_starts_at timestamptz NOT NULL,
    period_ends_at timestamptz NOT NULL,
    used bigint NOT NULL CHECK (used >= 0),
    -- the highest percent that has been announced
    announced integer NOT NULL DEFAULT 0,
    PRIMARY KEY (license_id, feature_key, period_starts_at),
    CHECK (period_ends_at > period_starts_at)
  ) WITH (fillfactor = 70);
  CREATE TABLE usage_events (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    module_key text NOT NULL REFERENCES modules,
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 128),
    -- of what was asked: the same key with another request is a mistake
    request_sha256 bytea NOT NULL CHECK (length(request_sha256) = 32),
    feature_key text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    user_id uuid REFERENCES users ON DELETE SET NULL,
    client_id text NOT NULL,
    -- what each license bore: [{"license", "amount", "periodStartsAt"}]
    shares jsonb NOT NULL,
    answer jsonb NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, module_key, idempotency_key)
  );
  CREATE INDEX usage_events_age ON usage_events (occurred_at);
  CREATE INDEX usage_events_module ON usage_events (module_key);
  CREATE INDEX usage_events_user ON usage_events (user_id);`;

const OFFLINE_FILES = `
  CREATE TABLE offline_grants (
    id uuid PRIMARY KEY,
    license_id uuid NOT NULL REFERENCES licenses ON DELETE CASCADE,
    instance text NOT NULL CHECK (length(instance) BETWEEN 1 AND 128),
    seat_block integer NOT NULL CHECK (seat_block BETWEEN 0 AND 1000000),
    sequence bigint NOT NULL CHECK (sequence > 0),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    returned_at timestamptz,
    UNIQUE (license_id, instance, sequence),
    CHECK (expires_at > issued_at)
  );
  CREATE UNIQUE INDEX offline_grants_active ON offline_grants (license_id, instance) WHERE returned_at IS NULL;
  ALTER TABLE keys DROP CONSTRAINT keys_kind_check, ADD CONSTRAINT keys_kind_check CHECK (
    (purpose, algorithm) IN (('signing', 'ES256'), ('signing', 'RS256'), ('mac', 'HS256'),
                             ('encryption', 'A256GCM'), ('license', 'EdDSA')));`;

const ANNOUNCEMENTS = `
  -- what time alone has brought about, said once
  CREATE TABLE license_announcements (
    license_id uuid NOT NULL REFERENCES licenses ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('license-ending', 'license-started', 'license-grace', 'license-expired',
                                       'license-terms-changed')),
    due_at timestamptz NOT NULL,
    announced_at timestamptz NOT NULL,
    PRIMARY KEY (license_id, kind, due_at)
  );`;

const OPERATORS = `
  -- who runs the seller's side; an organization's own people are its members
  ALTER TABLE users ADD COLUMN operator boolean NOT NULL DEFAULT false;`;

/** Licensing, whole: terms over time, trials, every kind of seat, metered features, offline files, announcements. */
export class LicenseTerms1700000000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [TERMS, TRIALS, SEATS, METERED_USE, OFFLINE_FILES, ANNOUNCEMENTS, OPERATORS])
      await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE users DROP COLUMN operator;
      DROP TABLE license_announcements, offline_grants, usage_events, usage_counters, seat_leases, seat_reservations,
                 trial_ledger;
      DELETE FROM keys WHERE purpose = 'license';
      ALTER TABLE keys DROP CONSTRAINT keys_kind_check, ADD CONSTRAINT keys_kind_check CHECK (
        (purpose, algorithm) IN (('signing', 'ES256'), ('signing', 'RS256'), ('mac', 'HS256'),
                                 ('encryption', 'A256GCM')));
      ALTER TABLE features DROP COLUMN period, DROP COLUMN thresholds;
      ALTER TABLE seat_assignments DROP COLUMN way;
      ALTER TABLE licenses
        DROP COLUMN last_day, DROP COLUMN time_zone, DROP COLUMN overage, DROP COLUMN seat_on_first_use,
        DROP COLUMN seat_cooldown_seconds, DROP COLUMN lease_seconds, DROP COLUMN last_fence,
        ADD COLUMN plan_version_id uuid REFERENCES plan_versions,
        ADD COLUMN seat_model text NOT NULL DEFAULT 'unlimited'
          CHECK (seat_model IN ('named', 'floating', 'unlimited')),
        ADD COLUMN seat_limit integer CHECK (seat_limit >= 0);
      UPDATE licenses SET plan_version_id = t.plan_version_id, seat_model = t.seat_model, seat_limit = t.seat_limit
        FROM (SELECT DISTINCT ON (license_id) * FROM license_terms
               ORDER BY license_id, effective_at <= now() DESC, effective_at DESC) AS t
       WHERE t.license_id = licenses.id;
      ALTER TABLE licenses ALTER COLUMN plan_version_id SET NOT NULL,
        ADD CHECK ((seat_model = 'unlimited') = (seat_limit IS NULL));
      CREATE INDEX licenses_plan_version ON licenses (plan_version_id);
      DROP TABLE license_terms;
    `);
  }
}
