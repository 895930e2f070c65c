import type { BrowserSealer } from '#accounts';
import { type Database, sql } from '#platform';

export interface EncryptedRow {
  readonly column: string;
  readonly key: string;
  /** What the envelope was bound to when it was encrypted. */
  readonly context: string;
  readonly envelope: string;
}

export interface RegisteredModule {
  readonly key: string;
  readonly baseUrl: string;
  readonly clients: readonly ModuleClient[];
}

export interface ModuleClient {
  readonly id: string;
  readonly enabled: boolean;
  readonly redirectUris: readonly string[];
}

const MOST = 5_000;

/** What the tables say about how secrets, clients and modules are kept. */
export class SecurityEvidence {
  constructor(
    private readonly database: Database,
    private readonly browsers: BrowserSealer,
  ) {}

  /** Up to `count` rows of each column that holds envelopes. */
  async encryptedRows(count: number): Promise<EncryptedRow[]> {
    return this.database.query<EncryptedRow>(sql`
      (SELECT 'keys.secret_envelope' AS column, kid AS key, 'keys|' || purpose || '|' || kid AS context,
              secret_envelope AS envelope
         FROM keys ORDER BY created_at DESC LIMIT ${count})
      UNION ALL
      (SELECT 'webhooks.secret_envelope', id::text, 'webhooks|' || id, secret_envelope
         FROM webhooks ORDER BY created_at DESC LIMIT ${count})
      UNION ALL
      (SELECT 'webhooks.previous_secret_envelope', id::text, 'webhooks|' || id, previous_secret_envelope
         FROM webhooks WHERE previous_secret_envelope IS NOT NULL ORDER BY created_at DESC LIMIT ${count})
      UNION ALL
      (SELECT 'mails.mail_envelope', id::text, 'mail:' || id, mail_envelope
         FROM mails WHERE sent_at IS NULL AND failed_at IS NULL ORDER BY next_attempt_at LIMIT ${count})
      UNION ALL
      (SELECT 'totp_factors.secret_envelope', user_id::text, 'totp:' || user_id, secret_envelope
         FROM totp_factors ORDER BY user_id LIMIT ${count})
      UNION ALL
      (SELECT 'sessions.browser_envelope', id::text, 'session-browser:' || user_id, browser_envelope
         FROM sessions WHERE browser_envelope IS NOT NULL ORDER BY expires_at DESC LIMIT ${count})
      UNION ALL
      (SELECT 'pushed_requests.parameters_envelope', encode(reference_sha256, 'hex'),
              'pushed-request:' || encode(reference_sha256, 'hex'), parameters_envelope
         FROM pushed_requests ORDER BY expires_at DESC LIMIT ${count})`);
  }

  /** The MAC keys that the server holds, newest first. */
  async macKeys(now: Date): Promise<(EncryptedRow & { active: boolean })[]> {
    return this.database.query<EncryptedRow & { active: boolean }>(sql`
      SELECT 'keys.secret_envelope' AS column, kid AS key, 'keys|' || purpose || '|' || kid AS context,
             secret_envelope AS envelope, signs_from <= ${now} AND coalesce(verifies_until > ${now}, true) AS active
        FROM keys WHERE purpose = 'mac' ORDER BY created_at DESC`);
  }

  async confidentialClients(): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(sql`
      SELECT count(*)::int AS count FROM clients WHERE secret_sha256 IS NOT NULL`);
    return row?.count ?? 0;
  }

  /** Clients whose stored secret is text: of 32 random bytes that happens once in 10^13 times. */
  async clientsWithPlainSecret(): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(sql`
      SELECT id FROM clients WHERE encode(secret_sha256, 'hex') ~ '^([2-6][0-9a-f]|7[0-9a-e])+$' ORDER BY id LIMIT ${MOST}`);
    return rows.map(({ id }) => id);
  }

  /** Clients whose secret may be older than `before`. */
  async clientsRegisteredBefore(before: Date): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(sql`
      SELECT id FROM clients
       WHERE secret_sha256 IS NOT NULL AND disabled_at IS NULL AND created_at < ${before} ORDER BY id LIMIT ${MOST}`);
    return rows.map(({ id }) => id);
  }

  /** Clients of which one lifetime is longer than the policy; seconds. */
  async clientsOutliving(policy: { access: number; refresh: number; code: number }): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(sql`
      SELECT id FROM clients
       WHERE access_token_seconds > ${policy.access}::int OR refresh_token_seconds > ${policy.refresh}::int
          OR code_seconds > ${policy.code}::int
       ORDER BY id LIMIT ${MOST}`);
    return rows.map(({ id }) => id);
  }

  async clientsWithWildcardScope(): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(sql`
      SELECT id FROM clients WHERE EXISTS (SELECT FROM unnest(scopes) AS scope WHERE scope LIKE '%*%')
       ORDER BY id LIMIT ${MOST}`);
    return rows.map(({ id }) => id);
  }

  /** Every registered redirect URI of an enabled client. */
  async redirectUris(): Promise<{ clientId: string; uri: string; open: boolean }[]> {
    return this.database.query<{ clientId: string; uri: string; open: boolean }>(sql`
      SELECT id AS "clientId", uri, secret_sha256 IS NULL AS open
        FROM clients, unnest(redirect_uris || post_logout_redirect_uris) AS uri
       WHERE disabled_at IS NULL AND id NOT LIKE 'readiness-probe-%' ORDER BY 1, 2 LIMIT ${MOST}`);
  }

  /** Whether one of these digests is a client's secret. */
  async clientsWithSecret(digests: readonly Buffer[]): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(sql`
      SELECT id FROM clients WHERE secret_sha256 = ANY (${digests}::bytea[]) ORDER BY id`);
    return rows.map(({ id }) => id);
  }

  async modules(): Promise<RegisteredModule[]> {
    return this.database.query<RegisteredModule>(sql`
      SELECT key, base_url AS "baseUrl",
             coalesce((SELECT jsonb_agg(jsonb_build_object('id', id, 'enabled', disabled_at IS NULL,
                                                           'redirectUris', redirect_uris) ORDER BY id)
                         FROM clients WHERE module_key = key), '[]') AS clients
        FROM modules ORDER BY key`);
  }

  /** Accounts below .example, which only a demonstration has (RFC 2606 §2). */
  async demonstrationAccounts(): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(sql`
      SELECT count(*)::int AS count FROM users WHERE email LIKE '%.example'`);
    return row?.count ?? 0;
  }

  /** The client address that the probe's latest session was recorded with. */
  async recordedAddress(userId: string): Promise<string | undefined> {
    const [row] = await this.database.query<{ envelope: string | null }>(sql`
      SELECT browser_envelope AS envelope FROM sessions WHERE user_id = ${userId} ORDER BY auth_time DESC LIMIT 1`);
    return this.browsers.open(userId, row?.envelope ?? null)?.address;
  }
}
