-- Made from the migrations by `npm run generate`; do not edit.

CREATE TABLE audit_events (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  act text NOT NULL,
  actor text NOT NULL,
  target text NOT NULL,
  organization_id uuid,
  address text,
  detail jsonb,
  occurred_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT audit_events_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_events_organization ON public.audit_events USING btree (organization_id, id);

CREATE TABLE authorizations (
  id uuid NOT NULL,
  row_secret bytea NOT NULL,
  state text NOT NULL,
  generation integer DEFAULT 0 NOT NULL,
  rotated_at timestamp with time zone,
  client_id text NOT NULL,
  user_id uuid NOT NULL,
  session_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  scopes text[] NOT NULL,
  redirect_uri text NOT NULL,
  code_challenge text NOT NULL,
  nonce text,
  auth_time timestamp with time zone NOT NULL,
  code_expires_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT authorizations_pkey PRIMARY KEY (id),
  CONSTRAINT authorizations_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT authorizations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT authorizations_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE,
  CONSTRAINT authorizations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT authorizations_row_secret_check CHECK ((length(row_secret) = 16)),
  CONSTRAINT authorizations_state_check CHECK ((state = ANY (ARRAY['code'::text, 'active'::text, 'revoked'::text])))
) WITH (fillfactor=80);
CREATE INDEX authorizations_client ON public.authorizations USING btree (client_id);
CREATE INDEX authorizations_expiry ON public.authorizations USING btree (expires_at);
CREATE INDEX authorizations_organization ON public.authorizations USING btree (organization_id);
CREATE INDEX authorizations_session ON public.authorizations USING btree (session_id);
CREATE INDEX authorizations_user ON public.authorizations USING btree (user_id);

CREATE TABLE clients (
  id text NOT NULL,
  name text NOT NULL,
  secret_sha256 bytea,
  organization_id uuid,
  module_key text,
  grant_types text[] NOT NULL,
  redirect_uris text[] DEFAULT '{}'::text[] NOT NULL,
  post_logout_redirect_uris text[] DEFAULT '{}'::text[] NOT NULL,
  backchannel_logout_uri text,
  scopes text[] NOT NULL,
  first_party boolean DEFAULT false NOT NULL,
  id_token_algorithm text DEFAULT 'ES256'::text NOT NULL,
  access_token_seconds integer DEFAULT 86400 NOT NULL,
  refresh_token_seconds integer DEFAULT 2592000 NOT NULL,
  code_seconds integer DEFAULT 300 NOT NULL,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT clients_pkey PRIMARY KEY (id),
  CONSTRAINT clients_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT clients_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT clients_access_token_seconds_check CHECK ((access_token_seconds > 0)),
  CONSTRAINT clients_code_seconds_check CHECK ((code_seconds > 0)),
  CONSTRAINT clients_id_check CHECK (((id ~ '^[A-Za-z0-9._~-]{1,128}$'::text) AND (id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text))),
  CONSTRAINT clients_id_token_algorithm_check CHECK ((id_token_algorithm = ANY (ARRAY['ES256'::text, 'RS256'::text]))),
  CONSTRAINT clients_refresh_token_seconds_check CHECK ((refresh_token_seconds > 0)),
  CONSTRAINT clients_secret_sha256_check CHECK ((length(secret_sha256) = 32))
);
CREATE INDEX clients_module ON public.clients USING btree (module_key);
CREATE INDEX clients_organization ON public.clients USING btree (organization_id);

CREATE TABLE consents (
  user_id uuid NOT NULL,
  client_id text NOT NULL,
  organization_id uuid NOT NULL,
  scopes text[] NOT NULL,
  granted_at timestamp with time zone NOT NULL,
  CONSTRAINT consents_pkey PRIMARY KEY (user_id, client_id, organization_id),
  CONSTRAINT consents_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT consents_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT consents_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX consents_client ON public.consents USING btree (client_id);
CREATE INDEX consents_organization ON public.consents USING btree (organization_id);

CREATE TABLE features (
  module_key text NOT NULL,
  key text NOT NULL,
  type text NOT NULL,
  combine text DEFAULT 'max'::text NOT NULL,
  CONSTRAINT features_pkey PRIMARY KEY (module_key, key),
  CONSTRAINT features_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT features_combine_check CHECK ((combine = ANY (ARRAY['max'::text, 'sum'::text]))),
  CONSTRAINT features_key_check CHECK ((key ~ '^[a-z][a-z0-9-]{0,62}$'::text)),
  CONSTRAINT features_type_check CHECK ((type = ANY (ARRAY['boolean'::text, 'limit'::text, 'metered'::text])))
);

CREATE TABLE keys (
  kid text NOT NULL,
  purpose text NOT NULL,
  algorithm text NOT NULL,
  public_jwk jsonb,
  secret_envelope text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  retired_at timestamp with time zone,
  CONSTRAINT keys_pkey PRIMARY KEY (kid),
  CONSTRAINT keys_purpose_check CHECK ((purpose = ANY (ARRAY['signing'::text, 'mac'::text])))
);
CREATE UNIQUE INDEX keys_active ON public.keys USING btree (purpose, algorithm) WHERE (retired_at IS NULL);

CREATE TABLE license_overrides (
  license_id uuid NOT NULL,
  feature_key text NOT NULL,
  removed boolean DEFAULT false NOT NULL,
  value jsonb,
  starts_at timestamp with time zone NOT NULL,
  ends_at timestamp with time zone,
  CONSTRAINT license_overrides_pkey PRIMARY KEY (license_id, feature_key),
  CONSTRAINT license_overrides_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE
);

CREATE TABLE licenses (
  id uuid NOT NULL,
  organization_id uuid NOT NULL,
  module_key text NOT NULL,
  environment text DEFAULT 'production'::text NOT NULL,
  plan_version_id uuid NOT NULL,
  status text NOT NULL,
  starts_at timestamp with time zone NOT NULL,
  ends_at timestamp with time zone,
  grace_days integer DEFAULT 0 NOT NULL,
  seat_model text DEFAULT 'unlimited'::text NOT NULL,
  seat_limit integer,
  trial boolean DEFAULT false NOT NULL,
  version bigint DEFAULT 1 NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT licenses_pkey PRIMARY KEY (id),
  CONSTRAINT licenses_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT licenses_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT licenses_plan_version_id_fkey FOREIGN KEY (plan_version_id) REFERENCES plan_versions(id),
  CONSTRAINT licenses_check CHECK (((ends_at IS NULL) OR (ends_at > starts_at))),
  CONSTRAINT licenses_check1 CHECK (((seat_model = 'unlimited'::text) = (seat_limit IS NULL))),
  CONSTRAINT licenses_grace_days_check CHECK (((grace_days >= 0) AND (grace_days <= 3650))),
  CONSTRAINT licenses_seat_limit_check CHECK ((seat_limit >= 0)),
  CONSTRAINT licenses_seat_model_check CHECK ((seat_model = ANY (ARRAY['named'::text, 'floating'::text, 'unlimited'::text]))),
  CONSTRAINT licenses_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'issued'::text, 'suspended'::text, 'cancelled'::text, 'revoked'::text])))
);
CREATE INDEX licenses_module ON public.licenses USING btree (module_key);
CREATE INDEX licenses_organization ON public.licenses USING btree (organization_id, module_key);
CREATE INDEX licenses_plan_version ON public.licenses USING btree (plan_version_id);

CREATE TABLE logout_deliveries (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  client_id text NOT NULL,
  session_id uuid NOT NULL,
  user_id uuid NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  next_attempt_at timestamp with time zone NOT NULL,
  delivered_at timestamp with time zone,
  failed_at timestamp with time zone,
  last_error text,
  CONSTRAINT logout_deliveries_pkey PRIMARY KEY (id),
  CONSTRAINT logout_deliveries_client_id_session_id_key UNIQUE (client_id, session_id),
  CONSTRAINT logout_deliveries_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE
);
CREATE INDEX logout_deliveries_due ON public.logout_deliveries USING btree (next_attempt_at) WHERE ((delivered_at IS NULL) AND (failed_at IS NULL));

CREATE TABLE memberships (
  user_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  role text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT memberships_pkey PRIMARY KEY (user_id, organization_id),
  CONSTRAINT memberships_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'administrator'::text, 'member'::text, 'billing'::text])))
);
CREATE INDEX memberships_organization ON public.memberships USING btree (organization_id);

CREATE TABLE modules (
  key text NOT NULL,
  name text NOT NULL,
  base_url text NOT NULL,
  environment text DEFAULT 'production'::text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT modules_pkey PRIMARY KEY (key),
  CONSTRAINT modules_base_url_key UNIQUE (base_url),
  CONSTRAINT modules_key_check CHECK ((key ~ '^[a-z][a-z0-9-]{0,62}$'::text))
);

CREATE TABLE organizations (
  id uuid NOT NULL,
  key text NOT NULL,
  name text NOT NULL,
  suspended_at timestamp with time zone,
  license_version bigint DEFAULT 1 NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT organizations_pkey PRIMARY KEY (id),
  CONSTRAINT organizations_key_key UNIQUE (key)
);

CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  organization_id uuid,
  occurred_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
CREATE INDEX outbox_age ON public.outbox USING btree (occurred_at);
CREATE INDEX outbox_order ON public.outbox USING btree (transaction_id, id);

CREATE TABLE outbox_readers (
  name text NOT NULL,
  transaction_id xid8 NOT NULL,
  id bigint NOT NULL,
  CONSTRAINT outbox_readers_pkey PRIMARY KEY (name)
);

CREATE TABLE plan_versions (
  id uuid NOT NULL,
  plan_key text NOT NULL,
  version integer NOT NULL,
  name text NOT NULL,
  module_key text NOT NULL,
  features jsonb NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT plan_versions_pkey PRIMARY KEY (id),
  CONSTRAINT plan_versions_plan_key_version_key UNIQUE (plan_key, version),
  CONSTRAINT plan_versions_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT plan_versions_features_check CHECK ((jsonb_typeof(features) = 'object'::text)),
  CONSTRAINT plan_versions_version_check CHECK ((version > 0))
);
CREATE INDEX plan_versions_module ON public.plan_versions USING btree (module_key);

CREATE TABLE revoked_tokens (
  jti text NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT revoked_tokens_pkey PRIMARY KEY (jti)
);
CREATE INDEX revoked_tokens_expiry ON public.revoked_tokens USING btree (expires_at);

CREATE TABLE seat_assignments (
  id uuid NOT NULL,
  license_id uuid NOT NULL,
  user_id uuid NOT NULL,
  assigned_at timestamp with time zone NOT NULL,
  released_at timestamp with time zone,
  CONSTRAINT seat_assignments_pkey PRIMARY KEY (id),
  CONSTRAINT seat_assignments_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE,
  CONSTRAINT seat_assignments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX seat_assignments_license ON public.seat_assignments USING btree (license_id);
CREATE INDEX seat_assignments_user ON public.seat_assignments USING btree (user_id);
CREATE UNIQUE INDEX seat_assignments_active ON public.seat_assignments USING btree (license_id, user_id) WHERE (released_at IS NULL);

CREATE TABLE sessions (
  id uuid NOT NULL,
  secret_sha256 bytea NOT NULL,
  user_id uuid NOT NULL,
  organization_id uuid,
  amr text[] NOT NULL,
  auth_time timestamp with time zone NOT NULL,
  last_seen_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  ended_at timestamp with time zone,
  user_agent text NOT NULL,
  address text NOT NULL,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_secret_sha256_key UNIQUE (secret_sha256),
  CONSTRAINT sessions_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE SET NULL,
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
) WITH (fillfactor=80);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sessions_organization ON public.sessions USING btree (organization_id);
CREATE INDEX sessions_user ON public.sessions USING btree (user_id);

CREATE TABLE sign_in_failures (
  subject text NOT NULL,
  failures integer NOT NULL,
  last_failed_at timestamp with time zone NOT NULL,
  locked_until timestamp with time zone NOT NULL,
  CONSTRAINT sign_in_failures_pkey PRIMARY KEY (subject)
);
CREATE INDEX sign_in_failures_age ON public.sign_in_failures USING btree (last_failed_at);

CREATE TABLE users (
  id uuid NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  password_hash text NOT NULL,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email),
  CONSTRAINT users_email_check CHECK ((email = lower(email)))
);
