import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Per-client policy, pushed and device authorization requests, sender-constrained tokens, offline access, and the
 * one-time identifiers (`jti`) that every node refuses a second time.
 */
export class AuthorizationServer1700000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE clients
        ADD COLUMN token_endpoint_auth_method text
          CHECK (token_endpoint_auth_method IN ('client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none')),
        ADD COLUMN jwks jsonb,
        ADD COLUMN jwks_uri text,
        ADD COLUMN resources text[],
        ADD COLUMN pkce_required boolean NOT NULL DEFAULT true,
        ADD COLUMN par_required boolean NOT NULL DEFAULT false,
        ADD COLUMN dpop_required boolean NOT NULL DEFAULT false,
        ADD COLUMN profile text NOT NULL DEFAULT 'oauth21' CHECK (profile IN ('oauth21', 'fapi2')),
        ADD COLUMN access_token_format text NOT NULL DEFAULT 'jwt' CHECK (access_token_format IN ('jwt', 'opaque')),
        ADD COLUMN may_act text,
        ADD COLUMN source text NOT NULL DEFAULT 'administrator'
          CHECK (source IN ('administrator', 'registration', 'metadata_document')),
        ADD COLUMN registration_token_sha256 bytea CHECK (length(registration_token_sha256) = 32),
        ADD COLUMN client_uri text,
        ADD COLUMN logo_uri text,
        ADD COLUMN tos_uri text,
        ADD COLUMN policy_uri text,
        ADD COLUMN contacts text[] NOT NULL DEFAULT '{}';
      UPDATE clients SET token_endpoint_auth_method =
        CASE WHEN secret_sha256 IS NULL THEN 'none' ELSE 'client_secret_basic' END;
      ALTER TABLE clients
        ALTER COLUMN token_endpoint_auth_method SET NOT NULL,
        DROP CONSTRAINT clients_id_check,
        ADD CONSTRAINT clients_id_check CHECK (
          CASE WHEN source = 'metadata_document' THEN id ~ '^https://' AND length(id) <= 512
               -- never shaped like a user's id, so that the sub of a client and of a user cannot collide (RFC 9068 section 5)
               ELSE id ~ '^[A-Za-z0-9._~-]{1,128}$' AND id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' END),
        ADD CONSTRAINT clients_secret_check CHECK (
          (token_endpoint_auth_method IN ('client_secret_basic', 'client_secret_post')) = (secret_sha256 IS NOT NULL)),
        ADD CONSTRAINT clients_keys_check CHECK (
          token_endpoint_auth_method <> 'private_key_jwt' OR (jwks IS NULL) <> (jwks_uri IS NULL)),
        ADD CONSTRAINT clients_pkce_check CHECK (pkce_required OR token_endpoint_auth_method <> 'none');
      CREATE INDEX clients_source ON clients (created_at) WHERE source <> 'administrator';

    `);
    await this.addRequests(runner);
  }

  private async addRequests(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sessions ADD COLUMN organization_chosen_at timestamptz;
      -- what was authenticated before counts no longer
      ALTER TABLE users ADD COLUMN password_changed_at timestamptz NOT NULL DEFAULT '-infinity';

      ALTER TABLE authorizations
        ALTER COLUMN redirect_uri DROP NOT NULL,
        ALTER COLUMN code_challenge DROP NOT NULL,
        ADD COLUMN dpop_jkt text,
        ADD COLUMN resources text[] NOT NULL DEFAULT '{}',
        ADD COLUMN claims jsonb,
        ADD COLUMN offline boolean NOT NULL DEFAULT false;
      CREATE INDEX authorizations_unspent ON authorizations (code_expires_at) WHERE state = 'code';

      CREATE TABLE pushed_requests (
        reference_sha256 bytea PRIMARY KEY CHECK (length(reference_sha256) = 32),
        client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
        parameters jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        -- from the first visit of the authorization endpoint on, a person has time to sign in
        visited_at timestamptz,
        expires_at timestamptz NOT NULL
      );
      CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);
      CREATE INDEX pushed_requests_client ON pushed_requests (client_id);

      CREATE TABLE device_authorizations (
        id uuid PRIMARY KEY,
        row_secret bytea NOT NULL CHECK (length(row_secret) = 16),
        user_code text NOT NULL UNIQUE,
        state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'denied', 'spent')),
        client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
        scopes text[] NOT NULL,
        resources text[] NOT NULL DEFAULT '{}',
        interval_seconds integer NOT NULL,
        last_polled_at timestamptz,
        authorization_id uuid REFERENCES authorizations ON DELETE CASCADE,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
      ) WITH (fillfactor = 80);
      CREATE INDEX device_authorizations_expiry ON device_authorizations (expires_at);
      CREATE INDEX device_authorizations_client ON device_authorizations (client_id);
      CREATE INDEX device_authorizations_authorization ON device_authorizations (authorization_id);

      CREATE TABLE used_jtis (
        context text NOT NULL,
        jti_sha256 bytea NOT NULL CHECK (length(jti_sha256) = 32),
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (context, jti_sha256)
      );
      CREATE INDEX used_jtis_expiry ON used_jtis (expires_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE used_jtis, device_authorizations, pushed_requests;
      DELETE FROM authorizations WHERE redirect_uri IS NULL OR code_challenge IS NULL;
      DROP INDEX authorizations_unspent;
      ALTER TABLE authorizations
        ALTER COLUMN redirect_uri SET NOT NULL,
        ALTER COLUMN code_challenge SET NOT NULL,
        DROP COLUMN dpop_jkt, DROP COLUMN resources, DROP COLUMN claims, DROP COLUMN offline;
      ALTER TABLE users DROP COLUMN password_changed_at;
      ALTER TABLE sessions DROP COLUMN organization_chosen_at;
      DELETE FROM clients WHERE source = 'metadata_document' OR token_endpoint_auth_method = 'private_key_jwt';
      ALTER TABLE clients
        DROP CONSTRAINT clients_id_check, DROP CONSTRAINT clients_secret_check, DROP CONSTRAINT clients_keys_check,
        DROP CONSTRAINT clients_pkce_check,
        DROP COLUMN token_endpoint_auth_method, DROP COLUMN jwks, DROP COLUMN jwks_uri, DROP COLUMN resources,
        DROP COLUMN pkce_required, DROP COLUMN par_required, DROP COLUMN dpop_required, DROP COLUMN profile,
        DROP COLUMN access_token_format, DROP COLUMN may_act, DROP COLUMN source,
        DROP COLUMN registration_token_sha256, DROP COLUMN client_uri, DROP COLUMN logo_uri, DROP COLUMN tos_uri,
        DROP COLUMN policy_uri, DROP COLUMN contacts,
        ADD CONSTRAINT clients_id_check CHECK (id ~ '^[A-Za-z0-9._~-]{1,128}$' AND id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$');
    `);
  }
}
