import { type Database, sql } from '#platform';

/** Rows of the probe's own; each statement is limited to them by their names. */
export class ProbeIdentityRepository {
  constructor(private readonly database: Database) {}

  /** Deletes an identity, with all that hangs on it. */
  async remove(name: string): Promise<void> {
    await this.removeWhere(`${name}%`, null);
  }

  /** Deletes what processes that were killed have left, older than a day. */
  async removeAbandoned(now: Date): Promise<void> {
    // a whole UUID, so that nobody's own organization has such a name
    const pattern = `readiness-probe-${'_'.repeat(36)}%`;
    await this.removeWhere(pattern, new Date(now.getTime() - 86_400_000));
  }

  private async removeWhere(pattern: string, before: Date | null): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const clients = await transaction.query<{ id: string }>(sql`
        DELETE FROM clients WHERE id LIKE ${pattern} AND (${before}::timestamptz IS NULL OR created_at < ${before})
        RETURNING id`);
      await transaction.query(sql`
        INSERT INTO outbox (kind, subject)
        SELECT 'client-changed', id FROM unnest(${clients.map(({ id }) => id)}::text[]) AS id`);
      await transaction.query(sql`
        DELETE FROM licenses USING organizations
         WHERE organizations.id = organization_id AND key LIKE ${pattern}
           AND (${before}::timestamptz IS NULL OR organizations.created_at < ${before})`);
      await transaction.query(sql`
        DELETE FROM plan_versions WHERE plan_key LIKE ${pattern}
           AND (${before}::timestamptz IS NULL OR created_at < ${before})`);
      await transaction.query(sql`
        DELETE FROM organizations WHERE key LIKE ${pattern}
           AND (${before}::timestamptz IS NULL OR created_at < ${before})`);
      await transaction.query(sql`
        DELETE FROM users WHERE email LIKE ${`${pattern}@readiness-probe.invalid`}
           AND (${before}::timestamptz IS NULL OR created_at < ${before})`);
    });
  }

  /** Lets the probe's own organization into every module, so that a guard's answer is about the token alone. */
  async licenseEveryModule(name: string, organizationId: string, now: Date): Promise<void> {
    await this.database.query(sql`
      WITH plans AS (
        INSERT INTO plan_versions (id, plan_key, version, name, module_key, features)
        SELECT gen_random_uuid(), ${name}::text || '-' || key, 1, 'Readiness probe', key, '{}' FROM modules
        RETURNING id, module_key
      ), licensed AS (
        INSERT INTO licenses (id, organization_id, module_key, environment, status, starts_at)
        SELECT gen_random_uuid(), ${organizationId}, key, environment, 'issued', ${now} FROM modules
        RETURNING id, module_key
      ), terms AS (
        INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model)
        SELECT licensed.id, ${now}, plans.id, 'unlimited' FROM licensed JOIN plans USING (module_key)
      ), raised AS (
        UPDATE organizations SET license_version = license_version + 1 WHERE id = ${organizationId}
        RETURNING id
      )
      INSERT INTO outbox (kind, subject, organization_id)
      SELECT 'license-changed', id, id FROM raised`);
  }

  /** Moves the end of the probe's own code back, which is what it sees when the clock moves on. */
  async ageCode(authorizationId: string, userId: string, seconds: number): Promise<void> {
    await this.database.query(sql`
      UPDATE authorizations SET code_expires_at = code_expires_at - make_interval(secs => ${seconds}::float8)
       WHERE id = ${authorizationId} AND user_id = ${userId}`);
  }

  /** Moves the last rotation of the probe's own authorization back. */
  async ageRotation(authorizationId: string, userId: string, seconds: number): Promise<void> {
    await this.database.query(sql`
      UPDATE authorizations SET rotated_at = rotated_at - make_interval(secs => ${seconds}::float8)
       WHERE id = ${authorizationId} AND user_id = ${userId}`);
  }

  /** The absolute end of the probe's own authorization. */
  async authorizationEnd(authorizationId: string, userId: string): Promise<Date | undefined> {
    const [row] = await this.database.query<{ expires_at: Date }>(sql`
      SELECT expires_at FROM authorizations WHERE id = ${authorizationId} AND user_id = ${userId}`);
    return row?.expires_at;
  }

  /** Moves the last use and the end of one session of the probe's own person back. */
  async ageSession(
    secretSha256: Buffer,
    userId: string,
    moved: { lastUse: number; end: number },
  ): Promise<void> {
    await this.database.query(sql`
      UPDATE sessions SET last_seen_at = last_seen_at - make_interval(secs => ${moved.lastUse}::float8),
                          expires_at = expires_at - make_interval(secs => ${moved.end}::float8)
       WHERE secret_sha256 = ${secretSha256} AND user_id = ${userId}`);
  }
}
