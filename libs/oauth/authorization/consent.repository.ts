import { Injectable } from '@nestjs/common';
import { Clock, Database, sql } from '#platform';

export interface Consent {
  readonly userId: string;
  readonly clientId: string;
  /** Null: for their own account alone. */
  readonly organizationId: string | null;
  readonly scopes: readonly string[];
}

/** What a person allowed a client, remembered per organization, and for none. */
@Injectable()
export class ConsentRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Adds to what was allowed before. */
  async grant({ userId, clientId, organizationId, scopes }: Consent): Promise<void> {
    await this.database.query(sql`
      WITH granted AS (
        INSERT INTO consents AS c (user_id, client_id, organization_id, scopes, granted_at)
        VALUES (${userId}, ${clientId}, ${organizationId}, ${scopes}, ${this.clock.now()})
        ON CONFLICT (user_id, client_id, organization_id) DO UPDATE
           SET scopes = ARRAY(SELECT DISTINCT unnest(c.scopes || excluded.scopes) ORDER BY 1),
               granted_at = excluded.granted_at
        RETURNING user_id, client_id, organization_id, scopes
      )
      INSERT INTO audit_events (act, actor, target, organization_id, detail)
      SELECT 'consent.grant', user_id, client_id, organization_id, jsonb_build_object('scopes', scopes) FROM granted`);
  }
}
