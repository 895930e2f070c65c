import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { addSeconds, Clock, Database, sql } from '#platform';

/** Of one person or machine within a minute; the last of them says that it is. */
const MOST_ROWS = 10;
const WINDOW_SECONDS = 60;

/** What somebody wanted to do who may not. */
export interface RefusedAct {
  readonly actor: Actor;
  /** The person who acts; undefined for a machine. */
  readonly userId: string | undefined;
  /** For which they act. */
  readonly organizationId: string | undefined;
  /** Such as `PUT /v1/organizations/{organizationId}/name`. */
  readonly route: string;
  /** Why it was refused: the code that the caller was told. */
  readonly code: string;
  /** The ids that were named, whether there is anything of that id or not, by what they are in the route. */
  readonly named: Readonly<Record<string, string>>;
  /** Whether the caller was told that there is nothing of that id, which to an operator is no more than the truth. */
  readonly unknown: boolean;
}

/** Acts that were refused for want of authority, in the audit. */
@Injectable()
export class RefusedActRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts the act, and writes its row while it is among the first of the minute: one statement, so that the bound holds
   * however many come at once, and on however many nodes. It stands under the organization that it was about, when the
   * act named one that there is.
   */
  async note({ actor, userId, organizationId, route, code, named, unknown }: RefusedAct): Promise<void> {
    const now = this.clock.now();
    const organization = named['organizationId'] ?? named['organization_id'] ?? null;
    const target = Object.values(named).at(-1) ?? organizationId ?? 'service';
    await this.database.query(sql`
      WITH counted AS (
        INSERT INTO refused_acts AS r (actor, acts, window_ends_at)
        SELECT ${actor.id}, 1, ${addSeconds(now, WINDOW_SECONDS)}::timestamptz
         WHERE NOT (${unknown}::boolean
                    AND EXISTS (SELECT FROM users WHERE id = ${userId ?? null}::uuid AND operator))
        ON CONFLICT (actor) DO UPDATE
           SET acts = CASE WHEN r.window_ends_at <= ${now} THEN 1 ELSE r.acts + 1 END,
               window_ends_at = CASE WHEN r.window_ends_at <= ${now} THEN excluded.window_ends_at
                                     ELSE r.window_ends_at END
         WHERE r.window_ends_at <= ${now} OR r.acts < ${MOST_ROWS}
        RETURNING acts
      )
      INSERT INTO audit_events (act, actor, address, factor, client_id, target, organization_id, result, detail)
      SELECT 'access.refuse', ${actor.id}, ${actor.address}, ${actor.factor}, ${actor.client ?? null}, ${target},
             coalesce((SELECT id FROM organizations WHERE id = ${organization}::uuid), ${organizationId ?? null}::uuid),
             'failure',
             jsonb_strip_nulls(jsonb_build_object(
               'route', ${route}::text, 'code', ${code}::text, 'named', ${JSON.stringify(named)}::jsonb,
               'last_of_minute', CASE WHEN acts = ${MOST_ROWS} THEN true END))
        FROM counted`);
  }

  /** Removes up to `limit` counts of minutes that have passed. */
  async prune(limit: number): Promise<void> {
    await this.database.query(sql`
      DELETE FROM refused_acts
       WHERE actor IN (SELECT actor FROM refused_acts WHERE window_ends_at < ${this.clock.now()} LIMIT ${limit})`);
  }
}
