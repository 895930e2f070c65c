import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Everything that is sent out and tried again until it arrives: logout tokens and webhooks, in one table. */
export class Deliveries1700000000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE webhooks (
        id uuid PRIMARY KEY,
        client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
        url text NOT NULL,
        -- null: events of every kind
        kinds text[],
        secret_envelope text NOT NULL,
        -- signs too until then, so that a receiver has time to change over
        previous_secret_envelope text,
        previous_secret_until timestamptz,
        created_at timestamptz NOT NULL,
        disabled_at timestamptz,
        CHECK ((previous_secret_envelope IS NULL) = (previous_secret_until IS NULL))
      );
      CREATE INDEX webhooks_client ON webhooks (client_id, created_at);
      CREATE INDEX webhooks_previous_secret ON webhooks (previous_secret_until) WHERE previous_secret_until IS NOT NULL;

      CREATE TABLE deliveries (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        kind text NOT NULL CHECK (kind IN ('logout', 'webhook')),
        -- the client of a logout, the webhook of an event
        target text NOT NULL,
        -- what it tells of: of one thing a target is told once
        reference text NOT NULL,
        payload jsonb NOT NULL,
        occurred_at timestamptz NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL,
        -- while it is being sent; after that, whoever sends it has died and another may
        leased_until timestamptz,
        -- not tried again after this
        expires_at timestamptz NOT NULL,
        delivered_at timestamptz,
        failed_at timestamptz,
        -- from the event to its delivery
        latency_ms integer,
        last_status integer,
        last_error text,
        created_at timestamptz NOT NULL,
        UNIQUE (kind, target, reference),
        CHECK (delivered_at IS NULL OR failed_at IS NULL)
      ) WITH (fillfactor = 80);
      CREATE INDEX deliveries_due ON deliveries (kind, target, next_attempt_at)
        WHERE delivered_at IS NULL AND failed_at IS NULL;
      CREATE INDEX deliveries_settled ON deliveries (kind, (coalesce(delivered_at, failed_at)))
        WHERE delivered_at IS NOT NULL OR failed_at IS NOT NULL;
      CREATE INDEX deliveries_log ON deliveries (kind, target, created_at, id);

      INSERT INTO deliveries (id, kind, target, reference, payload, occurred_at, attempts, next_attempt_at, expires_at,
                              delivered_at, failed_at, last_error, created_at)
      SELECT id, 'logout', client_id, session_id::text, jsonb_build_object('sid', session_id, 'sub', user_id),
             -- when it was enqueued was not kept: nothing was tried for longer than four hours
             coalesce(delivered_at, failed_at, now()), attempts, next_attempt_at,
             coalesce(delivered_at, failed_at, now()) + interval '1 day', delivered_at, failed_at, last_error,
             coalesce(delivered_at, failed_at, now())
        FROM logout_deliveries;
      DROP TABLE logout_deliveries;

      -- sessions whose time has passed and whose end has not been told yet
      CREATE INDEX sessions_overdue ON sessions (expires_at) WHERE ended_at IS NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX sessions_overdue;
      CREATE TABLE logout_deliveries (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
        session_id uuid NOT NULL,
        user_id uuid NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL,
        delivered_at timestamptz,
        failed_at timestamptz,
        last_error text,
        UNIQUE (client_id, session_id)
      );
      CREATE INDEX logout_deliveries_due ON logout_deliveries (next_attempt_at) WHERE delivered_at IS NULL AND failed_at IS NULL;
      INSERT INTO logout_deliveries (id, client_id, session_id, user_id, attempts, next_attempt_at, delivered_at,
                                     failed_at, last_error)
      SELECT d.id, d.target, d.reference::uuid, (d.payload ->> 'sub')::uuid, d.attempts, d.next_attempt_at,
             d.delivered_at, d.failed_at, d.last_error
        FROM deliveries d JOIN clients c ON c.id = d.target
       WHERE d.kind = 'logout';
      DELETE FROM outbox_readers WHERE name = 'webhooks';
      DROP TABLE deliveries, webhooks;
    `);
  }
}
