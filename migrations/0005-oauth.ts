import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Clients, remembered consents, and the one row that is an authorization from its code to its last refresh. */
export class OAuth1700000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE clients (
        -- never shaped like a user's id, so that the sub of a client and of a user cannot collide (RFC 9068 section 5)
        id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._~-]{1,128}$' AND id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
        name text NOT NULL,
        secret_sha256 bytea CHECK (length(secret_sha256) = 32),
        organization_id uuid REFERENCES organizations ON DELETE CASCADE,
        module_key text REFERENCES modules,
        grant_types text[] NOT NULL,
        redirect_uris text[] NOT NULL DEFAULT '{}',
        post_logout_redirect_uris text[] NOT NULL DEFAULT '{}',
        backchannel_logout_uri text,
        scopes text[] NOT NULL,
        first_party boolean NOT NULL DEFAULT false,
        id_token_algorithm text NOT NULL DEFAULT 'ES256' CHECK (id_token_algorithm IN ('ES256', 'RS256')),
        access_token_seconds integer NOT NULL DEFAULT 86400 CHECK (access_token_seconds > 0),
        refresh_token_seconds integer NOT NULL DEFAULT 2592000 CHECK (refresh_token_seconds > 0),
        code_seconds integer NOT NULL DEFAULT 300 CHECK (code_seconds > 0),
        disabled_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now()
      );
      CREATE INDEX clients_organization ON clients (organization_id);
      CREATE INDEX clients_module ON clients (module_key);
      CREATE TABLE consents (
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
        organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
        scopes text[] NOT NULL,
        granted_at timestamptz NOT NULL,
        PRIMARY KEY (user_id, client_id, organization_id)
      );
      CREATE INDEX consents_client ON consents (client_id);
      CREATE INDEX consents_organization ON consents (organization_id);
      CREATE TABLE authorizations (
        id uuid PRIMARY KEY,
        row_secret bytea NOT NULL CHECK (length(row_secret) = 16),
        state text NOT NULL CHECK (state IN ('code', 'active', 'revoked')),
        generation integer NOT NULL DEFAULT 0,
        rotated_at timestamptz,
        client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
        session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
        organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
        scopes text[] NOT NULL,
        redirect_uri text NOT NULL,
        code_challenge text NOT NULL,
        nonce text,
        auth_time timestamptz NOT NULL,
        code_expires_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
      ) WITH (fillfactor = 80);
      CREATE INDEX authorizations_session ON authorizations (session_id);
      CREATE INDEX authorizations_user ON authorizations (user_id);
      CREATE INDEX authorizations_client ON authorizations (client_id);
      CREATE INDEX authorizations_organization ON authorizations (organization_id);
      CREATE INDEX authorizations_expiry ON authorizations (expires_at);
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
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE logout_deliveries, authorizations, consents, clients');
  }
}
