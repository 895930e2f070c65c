import { Injectable } from '@nestjs/common';
import { Database, PublicError, sql } from '#platform';
import { actsUntil, HISTORIC_ACTS, NO_HISTORY, replay, type LicensingHistory } from './history.js';
import { isDatable } from './license.js';
import { unknownLicense } from './license-writing.repository.js';

export interface TimelineEntry {
  readonly act: string;
  /** Who did it: a user id, a client id, or a word for a process. */
  readonly actor: string;
  readonly occurredAt: Date;
  readonly detail: unknown;
}

export interface TimelinePage {
  /** The latest first. */
  readonly entries: readonly TimelineEntry[];
  /** What to ask for next as `before`; null on the last page. */
  readonly next: string | null;
}

interface ActRow {
  id: string;
  act: string;
  actor: string;
  target: string;
  occurred_at: Date;
  detail: unknown;
}

const LONGEST_PAGE = 100;
/** Audit rows that are held at once. */
const PIECE = 1000;

/** What was done with licenses, and what an organization had at any past instant: read from the audit rows. */
@Injectable()
export class HistoryRepository {
  constructor(private readonly database: Database) {}

  /**
   * Who did what with a license and when.
   * @param page `before`: as the page before gave it; `limit`: 1 to 100, 50 unless told; `organizationId`: whose the
   * license has to be
   * @throws PublicError 400 `invalid_page`; 404 `unknown_license`
   */
  async timeline(
    licenseId: string,
    page: { before?: string; limit?: number; organizationId?: string } = {},
  ): Promise<TimelinePage> {
    const { before, limit = 50, organizationId = null } = page;
    const sound = Number.isInteger(limit) && limit >= 1 && limit <= LONGEST_PAGE;
    if (!sound || (before !== undefined && !/^\d{1,18}$/.test(before))) {
      throw new PublicError(
        400,
        'invalid_page',
        `A page has 1 to ${LONGEST_PAGE} entries and begins as told.`,
      );
    }
    const [license] = await this.database.query<{ organization_id: string }>(sql`
      SELECT organization_id FROM licenses
       WHERE id = ${licenseId} AND organization_id = COALESCE(${organizationId}::uuid, organization_id)`);
    if (!license) throw unknownLicense();
    const rows = await this.database.query<ActRow>(sql`
      SELECT id, act, actor, target, occurred_at, detail FROM audit_events
       WHERE organization_id = ${license.organization_id} AND target = ${licenseId}
         AND id < COALESCE(${before ?? null}::bigint, 9223372036854775807)
       ORDER BY id DESC LIMIT ${limit + 1}`);
    const entries = rows.slice(0, limit);
    return {
      entries: entries.map(({ act, actor, occurred_at: occurredAt, detail }) => ({
        ...{ act, actor, occurredAt, detail },
      })),
      next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null,
    };
  }

  /**
   * What an organization had at an instant, to the millisecond; now, where the instant is still to come.
   * @throws PublicError 400 `invalid_instant`; 404 `unknown_organization`
   */
  async stateAt(organizationId: string, at: Date): Promise<LicensingHistory> {
    if (!isDatable(at)) {
      throw new PublicError(400, 'invalid_instant', 'Ask for an instant such as 2027-03-01T00:00:00.000Z.');
    }
    const found = await this.database.query(sql`SELECT id FROM organizations WHERE id = ${organizationId}`);
    if (found.length === 0) {
      throw new PublicError(404, 'unknown_organization', 'There is no such organization.');
    }
    let state = NO_HISTORY;
    const passed = new Set<string>();
    for (let after: string | undefined = '0'; after !== undefined;) {
      const rows: ActRow[] = await this.piece(organizationId, after);
      const acts = rows.map(({ occurred_at: occurredAt, ...act }) => ({ ...act, occurredAt }));
      state = replay(state, actsUntil(acts, at, passed));
      after = rows.length === PIECE ? rows.at(-1)?.id : undefined;
    }
    return state;
  }

  private piece(organizationId: string, after: string): Promise<ActRow[]> {
    return this.database.query<ActRow>(sql`
      SELECT id, act, actor, target, occurred_at, detail FROM audit_events
       WHERE organization_id = ${organizationId} AND id > ${after}::bigint AND act = ANY(${[...HISTORIC_ACTS]})
       ORDER BY id LIMIT ${PIECE}`);
  }
}
