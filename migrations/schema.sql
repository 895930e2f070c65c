-- Made from the migrations by `npm run generate`; do not edit.

CREATE TABLE audit_chain (
  position bigint NOT NULL,
  event_id bigint NOT NULL,
  digest bytea NOT NULL,
  CONSTRAINT audit_chain_pkey PRIMARY KEY ("position"),
  CONSTRAINT audit_chain_event_id_key UNIQUE (event_id),
  CONSTRAINT audit_chain_digest_check CHECK ((length(digest) = 32)),
  CONSTRAINT audit_chain_position_check CHECK (("position" > 0))
);

CREATE TABLE audit_events (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  act text NOT NULL,
  actor text NOT NULL,
  target text NOT NULL,
  organization_id uuid,
  address text,
  detail jsonb,
  occurred_at timestamp with time zone DEFAULT now() NOT NULL,
  factor text,
  result text DEFAULT 'success'::text NOT NULL,
  transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
  client_id text,
  CONSTRAINT audit_events_pkey PRIMARY KEY (id),
  CONSTRAINT audit_events_result_check CHECK ((result = ANY (ARRAY['success'::text, 'failure'::text])))
);
CREATE INDEX audit_events_about ON public.audit_events USING btree (target, id);
CREATE INDEX audit_events_actor ON public.audit_events USING btree (actor, id);
CREATE INDEX audit_events_order ON public.audit_events USING btree (transaction_id, id);
CREATE INDEX audit_events_organization ON public.audit_events USING btree (organization_id, id);
CREATE INDEX audit_events_target ON public.audit_events USING btree (organization_id, target, id);

CREATE TABLE authorizations (
  id uuid NOT NULL,
  row_secret bytea NOT NULL,
  state text NOT NULL,
  generation integer DEFAULT 0 NOT NULL,
  rotated_at timestamp with time zone,
  client_id text NOT NULL,
  user_id uuid NOT NULL,
  session_id uuid NOT NULL,
  organization_id uuid,
  scopes text[] NOT NULL,
  redirect_uri text,
  code_challenge text,
  nonce text,
  auth_time timestamp with time zone NOT NULL,
  code_expires_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  dpop_jkt text,
  resources text[] DEFAULT '{}'::text[] NOT NULL,
  claims jsonb,
  offline boolean DEFAULT false NOT NULL,
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
CREATE INDEX authorizations_unspent ON public.authorizations USING btree (code_expires_at) WHERE (state = 'code'::text);
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
  token_endpoint_auth_method text NOT NULL,
  jwks jsonb,
  jwks_uri text,
  resources text[],
  pkce_required boolean DEFAULT true NOT NULL,
  par_required boolean DEFAULT false NOT NULL,
  dpop_required boolean DEFAULT false NOT NULL,
  profile text DEFAULT 'oauth21'::text NOT NULL,
  access_token_format text DEFAULT 'jwt'::text NOT NULL,
  may_act text,
  source text DEFAULT 'administrator'::text NOT NULL,
  registration_token_sha256 bytea,
  client_uri text,
  logo_uri text,
  tos_uri text,
  policy_uri text,
  contacts text[] DEFAULT '{}'::text[] NOT NULL,
  registered_metadata jsonb,
  nonce_required boolean DEFAULT true NOT NULL,
  CONSTRAINT clients_pkey PRIMARY KEY (id),
  CONSTRAINT clients_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT clients_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT clients_access_token_format_check CHECK ((access_token_format = ANY (ARRAY['jwt'::text, 'opaque'::text]))),
  CONSTRAINT clients_access_token_seconds_check CHECK ((access_token_seconds > 0)),
  CONSTRAINT clients_code_seconds_check CHECK ((code_seconds > 0)),
  CONSTRAINT clients_id_check CHECK (
CASE
    WHEN (source = 'metadata_document'::text) THEN ((id ~ '^https?://'::text) AND (length(id) <= 512))
    ELSE ((id ~ '^[A-Za-z0-9._~-]{1,128}$'::text) AND (id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text))
END),
  CONSTRAINT clients_id_token_algorithm_check CHECK ((id_token_algorithm = ANY (ARRAY['ES256'::text, 'RS256'::text]))),
  CONSTRAINT clients_keys_check CHECK (((token_endpoint_auth_method <> 'private_key_jwt'::text) OR ((jwks IS NULL) <> (jwks_uri IS NULL)))),
  CONSTRAINT clients_nonce_check CHECK ((nonce_required OR ((NOT pkce_required) AND (source = 'administrator'::text)))),
  CONSTRAINT clients_pkce_check CHECK ((pkce_required OR (token_endpoint_auth_method <> 'none'::text))),
  CONSTRAINT clients_profile_check CHECK ((profile = ANY (ARRAY['oauth21'::text, 'fapi2'::text]))),
  CONSTRAINT clients_refresh_token_seconds_check CHECK ((refresh_token_seconds > 0)),
  CONSTRAINT clients_registration_token_sha256_check CHECK ((length(registration_token_sha256) = 32)),
  CONSTRAINT clients_secret_check CHECK (((token_endpoint_auth_method = ANY (ARRAY['client_secret_basic'::text, 'client_secret_post'::text])) = (secret_sha256 IS NOT NULL))),
  CONSTRAINT clients_secret_sha256_check CHECK ((length(secret_sha256) = 32)),
  CONSTRAINT clients_source_check CHECK ((source = ANY (ARRAY['administrator'::text, 'registration'::text, 'metadata_document'::text]))),
  CONSTRAINT clients_token_endpoint_auth_method_check CHECK ((token_endpoint_auth_method = ANY (ARRAY['client_secret_basic'::text, 'client_secret_post'::text, 'private_key_jwt'::text, 'none'::text])))
);
CREATE INDEX clients_module ON public.clients USING btree (module_key);
CREATE INDEX clients_organization ON public.clients USING btree (organization_id);
CREATE INDEX clients_source ON public.clients USING btree (created_at) WHERE (source <> 'administrator'::text);

CREATE TABLE consents (
  user_id uuid NOT NULL,
  client_id text NOT NULL,
  organization_id uuid,
  scopes text[] NOT NULL,
  granted_at timestamp with time zone NOT NULL,
  CONSTRAINT consents_once UNIQUE NULLS NOT DISTINCT (user_id, client_id, organization_id),
  CONSTRAINT consents_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT consents_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT consents_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX consents_client ON public.consents USING btree (client_id);
CREATE INDEX consents_organization ON public.consents USING btree (organization_id);

CREATE TABLE deliveries (
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  kind text NOT NULL,
  target text NOT NULL,
  reference text NOT NULL,
  payload jsonb NOT NULL,
  occurred_at timestamp with time zone NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  next_attempt_at timestamp with time zone NOT NULL,
  leased_until timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  delivered_at timestamp with time zone,
  failed_at timestamp with time zone,
  latency_ms integer,
  last_status integer,
  last_error text,
  created_at timestamp with time zone NOT NULL,
  CONSTRAINT deliveries_pkey PRIMARY KEY (id),
  CONSTRAINT deliveries_kind_target_reference_key UNIQUE (kind, target, reference),
  CONSTRAINT deliveries_check CHECK (((delivered_at IS NULL) OR (failed_at IS NULL))),
  CONSTRAINT deliveries_kind_check CHECK ((kind = ANY (ARRAY['logout'::text, 'webhook'::text])))
) WITH (fillfactor=80);
CREATE INDEX deliveries_due ON public.deliveries USING btree (kind, target, next_attempt_at) WHERE ((delivered_at IS NULL) AND (failed_at IS NULL));
CREATE INDEX deliveries_log ON public.deliveries USING btree (kind, target, created_at, id);
CREATE INDEX deliveries_settled ON public.deliveries USING btree (kind, COALESCE(delivered_at, failed_at)) WHERE ((delivered_at IS NOT NULL) OR (failed_at IS NOT NULL));

CREATE TABLE device_authorizations (
  id uuid NOT NULL,
  row_secret bytea NOT NULL,
  state text DEFAULT 'pending'::text NOT NULL,
  client_id text NOT NULL,
  scopes text[] NOT NULL,
  resources text[] DEFAULT '{}'::text[] NOT NULL,
  interval_seconds integer NOT NULL,
  last_polled_at timestamp with time zone,
  authorization_id uuid,
  created_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  user_code_hmac bytea,
  CONSTRAINT device_authorizations_pkey PRIMARY KEY (id),
  CONSTRAINT device_authorizations_user_code_hmac_key UNIQUE (user_code_hmac),
  CONSTRAINT device_authorizations_authorization_id_fkey FOREIGN KEY (authorization_id) REFERENCES authorizations(id) ON DELETE CASCADE,
  CONSTRAINT device_authorizations_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT device_authorizations_row_secret_check CHECK ((length(row_secret) = 16)),
  CONSTRAINT device_authorizations_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'approved'::text, 'denied'::text, 'spent'::text]))),
  CONSTRAINT device_authorizations_user_code_hmac_check CHECK ((length(user_code_hmac) = 32))
) WITH (fillfactor=80);
CREATE INDEX device_authorizations_authorization ON public.device_authorizations USING btree (authorization_id);
CREATE INDEX device_authorizations_client ON public.device_authorizations USING btree (client_id);
CREATE INDEX device_authorizations_expiry ON public.device_authorizations USING btree (expires_at);

CREATE TABLE event_receivers (
  client_id text NOT NULL,
  history text NOT NULL,
  transaction_id xid8 NOT NULL,
  id bigint NOT NULL,
  acknowledged text[] DEFAULT '{}'::text[] NOT NULL,
  CONSTRAINT event_receivers_pkey PRIMARY KEY (client_id),
  CONSTRAINT event_receivers_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT event_receivers_acknowledged_check CHECK ((cardinality(acknowledged) <= 100))
) WITH (fillfactor=70);

CREATE TABLE features (
  module_key text NOT NULL,
  key text NOT NULL,
  type text NOT NULL,
  combine text DEFAULT 'max'::text NOT NULL,
  period text DEFAULT 'month'::text NOT NULL,
  thresholds integer[] DEFAULT '{80,100}'::integer[] NOT NULL,
  CONSTRAINT features_pkey PRIMARY KEY (module_key, key),
  CONSTRAINT features_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT features_combine_check CHECK ((combine = ANY (ARRAY['max'::text, 'sum'::text]))),
  CONSTRAINT features_key_check CHECK ((key ~ '^[a-z][a-z0-9-]{0,62}$'::text)),
  CONSTRAINT features_period_check CHECK ((period = ANY (ARRAY['day'::text, 'month'::text, 'year'::text]))),
  CONSTRAINT features_thresholds_check CHECK (((cardinality(thresholds) <= 10) AND (1 <= ALL (thresholds)) AND (1000 >= ALL (thresholds)))),
  CONSTRAINT features_type_check CHECK ((type = ANY (ARRAY['boolean'::text, 'limit'::text, 'metered'::text])))
);

CREATE TABLE initial_access_tokens (
  id uuid NOT NULL,
  token_sha256 bytea NOT NULL,
  uses_left integer NOT NULL,
  created_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT initial_access_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT initial_access_tokens_token_sha256_key UNIQUE (token_sha256),
  CONSTRAINT initial_access_tokens_token_sha256_check CHECK ((length(token_sha256) = 32)),
  CONSTRAINT initial_access_tokens_uses_left_check CHECK ((uses_left >= 0))
);
CREATE INDEX initial_access_tokens_expiry ON public.initial_access_tokens USING btree (expires_at);

CREATE TABLE invitations (
  id uuid NOT NULL,
  organization_id uuid NOT NULL,
  email text NOT NULL,
  role text NOT NULL,
  custom_role_id uuid,
  license_id uuid,
  invited_by text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  mails_sent integer NOT NULL,
  accepted_at timestamp with time zone,
  withdrawn_at timestamp with time zone,
  CONSTRAINT invitations_pkey PRIMARY KEY (id),
  CONSTRAINT invitations_organization_id_email_key UNIQUE (organization_id, email),
  CONSTRAINT invitations_organization_id_custom_role_id_fkey FOREIGN KEY (organization_id, custom_role_id) REFERENCES organization_roles(organization_id, id),
  CONSTRAINT invitations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT invitations_check CHECK (((custom_role_id IS NULL) OR (role = 'member'::text))),
  CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'administrator'::text, 'member'::text, 'billing'::text])))
);
CREATE INDEX invitations_custom_role ON public.invitations USING btree (organization_id, custom_role_id);
CREATE INDEX invitations_email ON public.invitations USING btree (email);
CREATE INDEX invitations_expiry ON public.invitations USING btree (expires_at);

CREATE TABLE keys (
  kid text NOT NULL,
  purpose text NOT NULL,
  algorithm text NOT NULL,
  public_jwk jsonb,
  secret_envelope text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  number integer NOT NULL,
  signs_from timestamp with time zone NOT NULL,
  verifies_until timestamp with time zone,
  CONSTRAINT keys_pkey PRIMARY KEY (kid),
  CONSTRAINT keys_number UNIQUE (purpose, algorithm, number),
  CONSTRAINT keys_kind_check CHECK (((((((purpose = 'signing'::text) AND (algorithm = 'ES256'::text)) OR ((purpose = 'signing'::text) AND (algorithm = 'RS256'::text))) OR ((purpose = 'mac'::text) AND (algorithm = 'HS256'::text))) OR ((purpose = 'encryption'::text) AND (algorithm = 'A256GCM'::text))) OR ((purpose = 'license'::text) AND (algorithm = 'EdDSA'::text))))
);
CREATE INDEX keys_expiry ON public.keys USING btree (verifies_until) WHERE (verifies_until IS NOT NULL);

CREATE TABLE known_devices (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  secret_sha256 bytea NOT NULL,
  first_seen_at timestamp with time zone NOT NULL,
  last_seen_at timestamp with time zone,
  remembered_until timestamp with time zone,
  CONSTRAINT known_devices_pkey PRIMARY KEY (id),
  CONSTRAINT known_devices_secret_sha256_key UNIQUE (secret_sha256),
  CONSTRAINT known_devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX known_devices_age ON public.known_devices USING btree (COALESCE(last_seen_at, first_seen_at));
CREATE INDEX known_devices_user ON public.known_devices USING btree (user_id);

CREATE TABLE license_announcements (
  license_id uuid NOT NULL,
  kind text NOT NULL,
  due_at timestamp with time zone NOT NULL,
  announced_at timestamp with time zone NOT NULL,
  CONSTRAINT license_announcements_pkey PRIMARY KEY (license_id, kind, due_at),
  CONSTRAINT license_announcements_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE,
  CONSTRAINT license_announcements_kind_check CHECK ((kind = ANY (ARRAY['license-ending'::text, 'license-started'::text, 'license-grace'::text, 'license-expired'::text, 'license-terms-changed'::text])))
);

CREATE TABLE license_overrides (
  license_id uuid NOT NULL,
  feature_key text NOT NULL,
  removed boolean DEFAULT false NOT NULL,
  value jsonb,
  starts_at timestamp with time zone NOT NULL,
  ends_at timestamp with time zone,
  CONSTRAINT license_overrides_pkey PRIMARY KEY (license_id, feature_key, starts_at),
  CONSTRAINT license_overrides_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE
);

CREATE TABLE license_terms (
  license_id uuid NOT NULL,
  effective_at timestamp with time zone NOT NULL,
  plan_version_id uuid NOT NULL,
  seat_model text NOT NULL,
  seat_limit integer,
  surplus_until timestamp with time zone,
  CONSTRAINT license_terms_pkey PRIMARY KEY (license_id, effective_at),
  CONSTRAINT license_terms_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE,
  CONSTRAINT license_terms_plan_version_id_fkey FOREIGN KEY (plan_version_id) REFERENCES plan_versions(id),
  CONSTRAINT license_terms_check CHECK (((seat_model = 'unlimited'::text) = (seat_limit IS NULL))),
  CONSTRAINT license_terms_check1 CHECK (((surplus_until IS NULL) OR (surplus_until >= effective_at))),
  CONSTRAINT license_terms_seat_limit_check CHECK (((seat_limit >= 0) AND (seat_limit <= 1000000))),
  CONSTRAINT license_terms_seat_model_check CHECK ((seat_model = ANY (ARRAY['named'::text, 'floating'::text, 'unlimited'::text])))
);
CREATE INDEX license_terms_plan_version ON public.license_terms USING btree (plan_version_id);

CREATE TABLE licenses (
  id uuid NOT NULL,
  organization_id uuid NOT NULL,
  module_key text NOT NULL,
  environment text DEFAULT 'production'::text NOT NULL,
  status text NOT NULL,
  starts_at timestamp with time zone NOT NULL,
  ends_at timestamp with time zone,
  grace_days integer DEFAULT 0 NOT NULL,
  trial boolean DEFAULT false NOT NULL,
  version bigint DEFAULT 1 NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  last_day date,
  time_zone text DEFAULT 'UTC'::text NOT NULL,
  overage text DEFAULT 'refuse'::text NOT NULL,
  seat_on_first_use boolean DEFAULT false NOT NULL,
  seat_cooldown_seconds integer DEFAULT 0 NOT NULL,
  lease_seconds integer DEFAULT 300 NOT NULL,
  last_fence bigint DEFAULT 0 NOT NULL,
  CONSTRAINT licenses_pkey PRIMARY KEY (id),
  CONSTRAINT licenses_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT licenses_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id),
  CONSTRAINT licenses_check CHECK (((ends_at IS NULL) OR (ends_at > starts_at))),
  CONSTRAINT licenses_grace_days_check CHECK (((grace_days >= 0) AND (grace_days <= 3650))),
  CONSTRAINT licenses_lease_seconds_check CHECK (((lease_seconds >= 30) AND (lease_seconds <= 86400))),
  CONSTRAINT licenses_overage_check CHECK ((overage = ANY (ARRAY['refuse'::text, 'allow'::text]))),
  CONSTRAINT licenses_seat_cooldown_seconds_check CHECK (((seat_cooldown_seconds >= 0) AND (seat_cooldown_seconds <= 31536000))),
  CONSTRAINT licenses_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'issued'::text, 'suspended'::text, 'cancelled'::text, 'revoked'::text])))
);
CREATE INDEX licenses_module ON public.licenses USING btree (module_key);
CREATE INDEX licenses_organization ON public.licenses USING btree (organization_id, module_key);

CREATE TABLE mail_requests (
  subject bytea NOT NULL,
  requests integer NOT NULL,
  window_ends_at timestamp with time zone NOT NULL,
  CONSTRAINT mail_requests_pkey PRIMARY KEY (subject)
) WITH (fillfactor=80);
CREATE INDEX mail_requests_end ON public.mail_requests USING btree (window_ends_at);

CREATE TABLE mails (
  id uuid NOT NULL,
  mail_envelope text,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  attempts integer DEFAULT 0 NOT NULL,
  next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
  leased_until timestamp with time zone,
  sent_at timestamp with time zone,
  failed_at timestamp with time zone,
  last_error text,
  CONSTRAINT mails_pkey PRIMARY KEY (id),
  CONSTRAINT mails_check CHECK (((sent_at IS NULL) OR (failed_at IS NULL))),
  CONSTRAINT mails_check1 CHECK (((mail_envelope IS NOT NULL) OR (sent_at IS NOT NULL)))
) WITH (fillfactor=80);
CREATE INDEX mails_due ON public.mails USING btree (next_attempt_at) WHERE ((sent_at IS NULL) AND (failed_at IS NULL));
CREATE INDEX mails_settled ON public.mails USING btree (COALESCE(sent_at, failed_at)) WHERE ((sent_at IS NOT NULL) OR (failed_at IS NOT NULL));

CREATE TABLE memberships (
  user_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  role text NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  custom_role_id uuid,
  CONSTRAINT memberships_pkey PRIMARY KEY (user_id, organization_id),
  CONSTRAINT memberships_organization_id_custom_role_id_fkey FOREIGN KEY (organization_id, custom_role_id) REFERENCES organization_roles(organization_id, id),
  CONSTRAINT memberships_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT memberships_check CHECK (((custom_role_id IS NULL) OR (role = 'member'::text))),
  CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'administrator'::text, 'member'::text, 'billing'::text])))
);
CREATE INDEX memberships_custom_role ON public.memberships USING btree (organization_id, custom_role_id);
CREATE INDEX memberships_organization ON public.memberships USING btree (organization_id);

CREATE TABLE module_permissions (
  module_key text NOT NULL,
  role text NOT NULL,
  permissions text[] NOT NULL,
  CONSTRAINT module_permissions_pkey PRIMARY KEY (module_key, role),
  CONSTRAINT module_permissions_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT module_permissions_permissions_check CHECK ((cardinality(permissions) <= 50)),
  CONSTRAINT module_permissions_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'administrator'::text, 'member'::text, 'billing'::text])))
);

CREATE TABLE module_scopes (
  module_key text NOT NULL,
  scope text NOT NULL,
  roles text[] NOT NULL,
  CONSTRAINT module_scopes_pkey PRIMARY KEY (module_key, scope),
  CONSTRAINT module_scopes_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT module_scopes_check CHECK (((length(scope) <= 128) AND starts_with(scope, (module_key || ':'::text)))),
  CONSTRAINT module_scopes_roles_check CHECK ((roles <@ ARRAY['owner'::text, 'administrator'::text, 'member'::text, 'billing'::text]))
);

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

CREATE TABLE offline_grants (
  id uuid NOT NULL,
  license_id uuid NOT NULL,
  instance text NOT NULL,
  seat_block integer NOT NULL,
  sequence bigint NOT NULL,
  issued_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  returned_at timestamp with time zone,
  CONSTRAINT offline_grants_pkey PRIMARY KEY (id),
  CONSTRAINT offline_grants_license_id_instance_sequence_key UNIQUE (license_id, instance, sequence),
  CONSTRAINT offline_grants_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE,
  CONSTRAINT offline_grants_check CHECK ((expires_at > issued_at)),
  CONSTRAINT offline_grants_instance_check CHECK (((length(instance) >= 1) AND (length(instance) <= 128))),
  CONSTRAINT offline_grants_seat_block_check CHECK (((seat_block >= 0) AND (seat_block <= 1000000))),
  CONSTRAINT offline_grants_sequence_check CHECK ((sequence > 0))
);
CREATE UNIQUE INDEX offline_grants_active ON public.offline_grants USING btree (license_id, instance) WHERE (returned_at IS NULL);

CREATE TABLE one_time_tokens (
  id uuid NOT NULL,
  secret_sha256 bytea NOT NULL,
  purpose text NOT NULL,
  user_id uuid,
  email text NOT NULL,
  detail jsonb DEFAULT '{}'::jsonb NOT NULL,
  created_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  used_at timestamp with time zone,
  CONSTRAINT one_time_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT one_time_tokens_secret_sha256_key UNIQUE (secret_sha256),
  CONSTRAINT one_time_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX one_time_tokens_expiry ON public.one_time_tokens USING btree (expires_at);
CREATE INDEX one_time_tokens_user ON public.one_time_tokens USING btree (user_id, purpose);

CREATE TABLE organization_roles (
  id uuid NOT NULL,
  organization_id uuid NOT NULL,
  key text NOT NULL,
  name text NOT NULL,
  permissions text[] NOT NULL,
  created_at timestamp with time zone NOT NULL,
  CONSTRAINT organization_roles_pkey PRIMARY KEY (id),
  CONSTRAINT organization_roles_organization_id_id_key UNIQUE (organization_id, id),
  CONSTRAINT organization_roles_organization_id_key_key UNIQUE (organization_id, key),
  CONSTRAINT organization_roles_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT organization_roles_key_check CHECK (((key ~ '^[a-z][a-z0-9-]{0,62}$'::text) AND (key <> ALL (ARRAY['owner'::text, 'administrator'::text, 'member'::text, 'billing'::text])))),
  CONSTRAINT organization_roles_permissions_check CHECK ((cardinality(permissions) <= 50))
);

CREATE TABLE organizations (
  id uuid NOT NULL,
  key text NOT NULL,
  name text NOT NULL,
  suspended_at timestamp with time zone,
  license_version bigint DEFAULT 1 NOT NULL,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  second_factor_required boolean DEFAULT false NOT NULL,
  created_by uuid,
  deletion_at timestamp with time zone,
  removal_started_at timestamp with time zone,
  session_idle_seconds integer,
  session_absolute_seconds integer,
  deletion_told_at timestamp with time zone,
  deletion_untold boolean DEFAULT false NOT NULL,
  CONSTRAINT organizations_pkey PRIMARY KEY (id),
  CONSTRAINT organizations_key_key UNIQUE (key),
  CONSTRAINT organizations_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id) ON DELETE SET NULL,
  CONSTRAINT organizations_session_absolute_seconds_check CHECK (((session_absolute_seconds >= 300) AND (session_absolute_seconds <= 2592000))),
  CONSTRAINT organizations_session_idle_seconds_check CHECK (((session_idle_seconds >= 300) AND (session_idle_seconds <= 2592000)))
);
CREATE INDEX organizations_creator ON public.organizations USING btree (created_by);
CREATE INDEX organizations_deletion ON public.organizations USING btree (deletion_at) WHERE (deletion_at IS NOT NULL);
CREATE INDEX organizations_deletion_untold ON public.organizations USING btree (deletion_told_at) WHERE deletion_untold;
CREATE INDEX organizations_session_limit ON public.organizations USING btree (id) WHERE (session_absolute_seconds IS NOT NULL);

CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL,
  organization_id uuid,
  occurred_at timestamp with time zone DEFAULT now() NOT NULL,
  facts jsonb,
  CONSTRAINT outbox_pkey PRIMARY KEY (id),
  CONSTRAINT outbox_facts CHECK (((jsonb_typeof(facts) = 'object'::text) AND (octet_length((facts)::text) <= 1024)))
);
CREATE INDEX outbox_age ON public.outbox USING btree (occurred_at);
CREATE INDEX outbox_order ON public.outbox USING btree (transaction_id, id);

CREATE TABLE outbox_history (
  only_row boolean DEFAULT true NOT NULL,
  id uuid DEFAULT gen_random_uuid() NOT NULL,
  pruned_transaction_id xid8 NOT NULL,
  pruned_id bigint NOT NULL,
  CONSTRAINT outbox_history_pkey PRIMARY KEY (only_row),
  CONSTRAINT outbox_history_only_row_check CHECK (only_row)
);

CREATE TABLE outbox_readers (
  name text NOT NULL,
  transaction_id xid8 NOT NULL,
  id bigint NOT NULL,
  CONSTRAINT outbox_readers_pkey PRIMARY KEY (name)
);

CREATE TABLE passkeys (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  credential_id text NOT NULL,
  public_key bytea NOT NULL,
  signature_count bigint NOT NULL,
  transports text[] NOT NULL,
  synced boolean NOT NULL,
  name text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  last_used_at timestamp with time zone,
  CONSTRAINT passkeys_pkey PRIMARY KEY (id),
  CONSTRAINT passkeys_credential_id_key UNIQUE (credential_id),
  CONSTRAINT passkeys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT passkeys_credential_id_check CHECK ((length(credential_id) <= 1366))
);
CREATE INDEX passkeys_user ON public.passkeys USING btree (user_id);

CREATE TABLE pending_sign_ins (
  id uuid NOT NULL,
  secret_sha256 bytea NOT NULL,
  user_id uuid NOT NULL,
  amr text[] NOT NULL,
  tries integer DEFAULT 0 NOT NULL,
  created_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT pending_sign_ins_pkey PRIMARY KEY (id),
  CONSTRAINT pending_sign_ins_secret_sha256_key UNIQUE (secret_sha256),
  CONSTRAINT pending_sign_ins_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX pending_sign_ins_expiry ON public.pending_sign_ins USING btree (expires_at);
CREATE INDEX pending_sign_ins_user ON public.pending_sign_ins USING btree (user_id);

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

CREATE TABLE pushed_requests (
  reference_sha256 bytea NOT NULL,
  client_id text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  visited_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  parameters_envelope text NOT NULL,
  CONSTRAINT pushed_requests_pkey PRIMARY KEY (reference_sha256),
  CONSTRAINT pushed_requests_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT pushed_requests_reference_sha256_check CHECK ((length(reference_sha256) = 32))
);
CREATE INDEX pushed_requests_client ON public.pushed_requests USING btree (client_id);
CREATE INDEX pushed_requests_expiry ON public.pushed_requests USING btree (expires_at);

CREATE TABLE recovery_codes (
  user_id uuid NOT NULL,
  code_sha256 bytea NOT NULL,
  created_at timestamp with time zone NOT NULL,
  used_at timestamp with time zone,
  CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_sha256),
  CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE refused_acts (
  actor text NOT NULL,
  acts integer NOT NULL,
  window_ends_at timestamp with time zone NOT NULL,
  CONSTRAINT refused_acts_pkey PRIMARY KEY (actor)
) WITH (fillfactor=80);
CREATE INDEX refused_acts_end ON public.refused_acts USING btree (window_ends_at);

CREATE TABLE removed_usage (
  license_id uuid NOT NULL,
  organization_id uuid NOT NULL,
  module_key text NOT NULL,
  feature_key text NOT NULL,
  period_starts_at timestamp with time zone NOT NULL,
  period_ends_at timestamp with time zone NOT NULL,
  used bigint NOT NULL,
  overage bigint,
  CONSTRAINT removed_usage_pkey PRIMARY KEY (license_id, feature_key, period_starts_at)
);
CREATE INDEX removed_usage_age ON public.removed_usage USING btree (period_ends_at);

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
  way text DEFAULT 'administrator'::text NOT NULL,
  CONSTRAINT seat_assignments_pkey PRIMARY KEY (id),
  CONSTRAINT seat_assignments_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE,
  CONSTRAINT seat_assignments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT seat_assignments_way_check CHECK ((way = ANY (ARRAY['administrator'::text, 'first-use'::text, 'import'::text, 'invitation'::text])))
);
CREATE INDEX seat_assignments_license ON public.seat_assignments USING btree (license_id);
CREATE INDEX seat_assignments_released ON public.seat_assignments USING btree (released_at) WHERE (released_at IS NOT NULL);
CREATE INDEX seat_assignments_user ON public.seat_assignments USING btree (user_id);
CREATE UNIQUE INDEX seat_assignments_active ON public.seat_assignments USING btree (license_id, user_id) WHERE (released_at IS NULL);

CREATE TABLE seat_leases (
  license_id uuid NOT NULL,
  user_id uuid NOT NULL,
  device text NOT NULL,
  fence bigint NOT NULL,
  leased_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  ended_at timestamp with time zone,
  CONSTRAINT seat_leases_pkey PRIMARY KEY (license_id, user_id, device),
  CONSTRAINT seat_leases_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE,
  CONSTRAINT seat_leases_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  CONSTRAINT seat_leases_device_check CHECK (((length(device) >= 1) AND (length(device) <= 128)))
) WITH (fillfactor=70);
CREATE INDEX seat_leases_open ON public.seat_leases USING btree (license_id) WHERE (ended_at IS NULL);
CREATE INDEX seat_leases_user ON public.seat_leases USING btree (user_id);

CREATE TABLE seat_reservations (
  license_id uuid NOT NULL,
  invitation_id uuid NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  created_at timestamp with time zone NOT NULL,
  CONSTRAINT seat_reservations_pkey PRIMARY KEY (license_id, invitation_id),
  CONSTRAINT seat_reservations_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE
);
CREATE INDEX seat_reservations_expiry ON public.seat_reservations USING btree (expires_at);

CREATE TABLE second_factor_failures (
  user_id uuid NOT NULL,
  failures integer NOT NULL,
  last_failed_at timestamp with time zone NOT NULL,
  locked_until timestamp with time zone NOT NULL,
  mailed_at timestamp with time zone,
  CONSTRAINT second_factor_failures_pkey PRIMARY KEY (user_id),
  CONSTRAINT second_factor_failures_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX second_factor_failures_age ON public.second_factor_failures USING btree (last_failed_at);

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
  organization_chosen_at timestamp with time zone,
  second_factor_declined_at timestamp with time zone,
  browser_envelope text,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_secret_sha256_key UNIQUE (secret_sha256),
  CONSTRAINT sessions_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE SET NULL,
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
) WITH (fillfactor=80);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sessions_live_organization ON public.sessions USING btree (organization_id, auth_time) WHERE (ended_at IS NULL);
CREATE INDEX sessions_moved ON public.sessions USING btree (auth_time) WHERE ((ended_at IS NULL) AND ((organization_chosen_at IS NOT NULL) OR (organization_id IS NULL)));
CREATE INDEX sessions_organization ON public.sessions USING btree (organization_id);
CREATE INDEX sessions_overdue ON public.sessions USING btree (expires_at) WHERE (ended_at IS NULL);
CREATE INDEX sessions_user ON public.sessions USING btree (user_id);

CREATE TABLE sign_in_failures (
  subject text NOT NULL,
  failures integer NOT NULL,
  last_failed_at timestamp with time zone NOT NULL,
  locked_until timestamp with time zone NOT NULL,
  user_id uuid,
  mail_due boolean DEFAULT false NOT NULL,
  mailed_at timestamp with time zone,
  CONSTRAINT sign_in_failures_pkey PRIMARY KEY (subject)
);
CREATE INDEX sign_in_failures_age ON public.sign_in_failures USING btree (last_failed_at);
CREATE INDEX sign_in_failures_mail ON public.sign_in_failures USING btree (last_failed_at) WHERE mail_due;
CREATE INDEX sign_in_failures_user ON public.sign_in_failures USING btree (user_id) WHERE (user_id IS NOT NULL);

CREATE TABLE totp_factors (
  user_id uuid NOT NULL,
  secret_envelope text NOT NULL,
  last_step bigint NOT NULL,
  created_at timestamp with time zone NOT NULL,
  last_used_at timestamp with time zone,
  CONSTRAINT totp_factors_pkey PRIMARY KEY (user_id),
  CONSTRAINT totp_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE trial_ledger (
  organization_id uuid NOT NULL,
  module_key text NOT NULL,
  license_id uuid NOT NULL,
  started_at timestamp with time zone NOT NULL,
  CONSTRAINT trial_ledger_pkey PRIMARY KEY (organization_id, module_key),
  CONSTRAINT trial_ledger_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key)
);
CREATE INDEX trial_ledger_module ON public.trial_ledger USING btree (module_key);

CREATE TABLE usage_counters (
  license_id uuid NOT NULL,
  feature_key text NOT NULL,
  period_starts_at timestamp with time zone NOT NULL,
  period_ends_at timestamp with time zone NOT NULL,
  used bigint NOT NULL,
  announced integer DEFAULT 0 NOT NULL,
  overage bigint DEFAULT 0,
  CONSTRAINT usage_counters_pkey PRIMARY KEY (license_id, feature_key, period_starts_at),
  CONSTRAINT usage_counters_license_id_fkey FOREIGN KEY (license_id) REFERENCES licenses(id) ON DELETE CASCADE,
  CONSTRAINT usage_counters_check CHECK ((period_ends_at > period_starts_at)),
  CONSTRAINT usage_counters_check1 CHECK (((overage >= 0) AND (overage <= used))),
  CONSTRAINT usage_counters_used_check CHECK ((used >= 0))
) WITH (fillfactor=70);

CREATE TABLE usage_events (
  organization_id uuid NOT NULL,
  module_key text NOT NULL,
  idempotency_key text NOT NULL,
  request_sha256 bytea NOT NULL,
  feature_key text NOT NULL,
  amount bigint NOT NULL,
  user_id uuid,
  client_id text NOT NULL,
  shares jsonb NOT NULL,
  answer jsonb NOT NULL,
  occurred_at timestamp with time zone NOT NULL,
  request_id text,
  CONSTRAINT usage_events_pkey PRIMARY KEY (organization_id, module_key, idempotency_key),
  CONSTRAINT usage_events_module_key_fkey FOREIGN KEY (module_key) REFERENCES modules(key),
  CONSTRAINT usage_events_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations(id) ON DELETE CASCADE,
  CONSTRAINT usage_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE SET NULL,
  CONSTRAINT usage_events_amount_check CHECK ((amount > 0)),
  CONSTRAINT usage_events_idempotency_key_check CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 128))),
  CONSTRAINT usage_events_request_id_check CHECK (((length(request_id) >= 1) AND (length(request_id) <= 128))),
  CONSTRAINT usage_events_request_sha256_check CHECK ((length(request_sha256) = 32))
);
CREATE INDEX usage_events_age ON public.usage_events USING btree (occurred_at);
CREATE INDEX usage_events_module ON public.usage_events USING btree (module_key);
CREATE INDEX usage_events_user ON public.usage_events USING btree (user_id);

CREATE TABLE used_jtis (
  context text NOT NULL,
  jti_sha256 bytea NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT used_jtis_pkey PRIMARY KEY (context, jti_sha256),
  CONSTRAINT used_jtis_jti_sha256_check CHECK ((length(jti_sha256) = 32))
);
CREATE INDEX used_jtis_expiry ON public.used_jtis USING btree (expires_at);

CREATE TABLE users (
  id uuid NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  password_hash text,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone DEFAULT now() NOT NULL,
  password_changed_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
  operator boolean DEFAULT false NOT NULL,
  email_verified_at timestamp with time zone,
  second_factors integer DEFAULT 0 NOT NULL,
  deletion_at timestamp with time zone,
  removal_started_at timestamp with time zone,
  password_short boolean DEFAULT false,
  deletion_told_at timestamp with time zone,
  deletion_untold boolean DEFAULT false NOT NULL,
  ended_password_hash text,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email),
  CONSTRAINT users_email_check CHECK ((email = lower(email))),
  CONSTRAINT users_second_factors_check CHECK (((second_factors >= 0) AND (second_factors <= 21)))
);
CREATE INDEX users_deletion ON public.users USING btree (deletion_at) WHERE (deletion_at IS NOT NULL);
CREATE INDEX users_deletion_untold ON public.users USING btree (deletion_told_at) WHERE deletion_untold;

CREATE TABLE webauthn_challenges (
  challenge text NOT NULL,
  browser_sha256 bytea NOT NULL,
  purpose text NOT NULL,
  user_id uuid,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT webauthn_challenges_pkey PRIMARY KEY (challenge),
  CONSTRAINT webauthn_challenges_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX webauthn_challenges_browser ON public.webauthn_challenges USING btree (browser_sha256);
CREATE INDEX webauthn_challenges_expiry ON public.webauthn_challenges USING btree (expires_at);
CREATE INDEX webauthn_challenges_user ON public.webauthn_challenges USING btree (user_id);

CREATE TABLE webhooks (
  id uuid NOT NULL,
  client_id text NOT NULL,
  url text NOT NULL,
  kinds text[],
  secret_envelope text NOT NULL,
  previous_secret_envelope text,
  previous_secret_until timestamp with time zone,
  created_at timestamp with time zone NOT NULL,
  disabled_at timestamp with time zone,
  CONSTRAINT webhooks_pkey PRIMARY KEY (id),
  CONSTRAINT webhooks_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT webhooks_check CHECK (((previous_secret_envelope IS NULL) = (previous_secret_until IS NULL)))
);
CREATE INDEX webhooks_client ON public.webhooks USING btree (client_id, created_at);
CREATE INDEX webhooks_previous_secret ON public.webhooks USING btree (previous_secret_until) WHERE (previous_secret_until IS NOT NULL);

CREATE OR REPLACE FUNCTION public.may_give(giver text, given text, given_custom uuid, makers text[])
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
        SELECT (giver = 'owner' OR given <> 'owner') AND NOT EXISTS (
          SELECT FROM organization_roles r, unnest(r.permissions) AS permission
           WHERE r.id = given_custom AND permission <> ALL (permissions_of_role(giver))
             AND EXISTS (SELECT FROM unnest(makers) AS maker WHERE permission = ANY (permissions_of_role(maker))))
      $function$
;

CREATE OR REPLACE FUNCTION public.permissions_of_role(held text)
 RETURNS text[]
 LANGUAGE sql
 STABLE
AS $function$
        SELECT coalesce(array_agg(permission ORDER BY permission), '{}') FROM (
          SELECT p.module_key || ':' || name AS permission
            FROM module_permissions p, unnest(p.permissions) AS name WHERE p.role = held
          UNION SELECT s.scope FROM module_scopes s WHERE held = ANY (s.roles)) AS allowed
      $function$
;

CREATE OR REPLACE FUNCTION public.refuse_to_rewrite_audit()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
      END $function$
;

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_audit();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_audit();
