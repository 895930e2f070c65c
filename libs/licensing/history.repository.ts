import { Injectable } from '@nestjs/common';
import { Database, PublicError, sql } from '#platform';
import { actsUntil, HISTORIC_ACTS, replay, type Replayed } from './history.js';
import { isDatable, type LicenseDetails } from './license.js';
import { unknownLicense } from './license-writing.repository.js';

export interface TimelineEntry {
  readonly act: string;
  /** Who did it: a user id, a client id, or a word for a process. */
  readonly actor: string;
  /** Why, in their words; null when they gave no reason. */
  readonly reason: string | null;
  readonly occurredAt: Date;
  readonly detail: unknown;
}

export interface TimelinePage {
  /** The latest first. */
  readonly entries: readonly TimelineEntry[];
  /** What to ask for next as `before`; null on the last page. */
  readonly next: string | null;
}

/** A license as it was at an instant. */
export interface PastLicense {
  readonly license: LicenseDetails;
  readonly organizationSuspended: boolean;
}

interface ActRow {
  id: string;
  act: string;
  actor: string;
  occurred_at: Date;
  detail: unknown;
}

const LONGEST_PAGE = 100;
/** Audit rows that are held at once. */
const PIECE = 1000;
/** Audit rows that one question replays. */
const MOST_ACTS = 20_000;

/** What was done with licenses, and how one was at any past instant: read from the audit rows. */
@Injectable()
export class HistoryRepository {
  constructor(private readonly database: Database) {}

  /**
   * Who did what with a license, when and why.
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
    const owner = await this.ownerOf(licenseId, organizationId);
    const rows = await this.database.query<ActRow & { reason: string | null }>(sql`
      SELECT id, act, actor, occurred_at, detail - 'reason' AS detail, detail->>'reason' AS reason FROM audit_events
       WHERE organization_id = ${owner} AND target = ${licenseId} AND result = 'success'
         AND id < COALESCE(${before ?? null}::bigint, 9223372036854775807)
       ORDER BY id DESC LIMIT ${limit + 1}`);
    const entries = rows.slice(0, limit);
    return {
      entries: entries.map(({ act, actor, reason, occurred_at: occurredAt, detail }) => ({
        ...{ act, actor, reason, occurredAt, detail },
      })),
      next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null,
    };
  }

  /**
   * A license as it was at an instant, to the millisecond; as it is now, where the instant is still to come. It replays
   * the license's own rows and no others, from the first to the instant, and fewer than 20,000 of them: who sat there
   * needs every seat that was given and taken back.
   * @param organizationId whose it has to be; null for anybody's
   * @throws PublicError 400 `invalid_instant`; 404 `unknown_license`, `no_license_then`; 409 `history_incomplete` when
   * rows from before histories were kept do not say enough, `history_too_long`
   */
  async stateAt(licenseId: string, at: Date, organizationId: string | null = null): Promise<PastLicense> {
    if (!isDatable(at)) {
      throw new PublicError(400, 'invalid_instant', 'Ask for an instant such as 2027-03-01T00:00:00.000Z.');
    }
    const owner = await this.ownerOf(licenseId, organizationId);
    const license = await this.replayed(licenseId, owner, at);
    if (license === 'unreadable') {
      throw new PublicError(
        409,
        'history_incomplete',
        'The history of this license was not kept from its start.',
      );
    }
    if (!license) throw new PublicError(404, 'no_license_then', 'There was no such license at this instant.');
    return { license, organizationSuspended: await this.wasSuspended(owner, at) };
  }

  private async replayed(licenseId: string, owner: string, at: Date): Promise<Replayed> {
    let state: Replayed;
    let after = '0';
    for (let read = 0; read < MOST_ACTS; read += PIECE) {
      const rows = await this.piece(licenseId, owner, after);
      const acts = rows.map(({ act, detail, occurred_at: occurredAt }) => ({ act, detail, occurredAt }));
      const done = actsUntil(acts, at);
      state = replay(licenseId, state, done);
      if (done.length < PIECE) return state;
      after = rows.at(-1)?.id ?? after;
    }
    throw new PublicError(
      409,
      'history_too_long',
      `At least ${MOST_ACTS} changes lie before this instant: ask for an earlier one, or read the timeline.`,
    );
  }

  private piece(licenseId: string, owner: string, after: string): Promise<ActRow[]> {
    return this.database.query<ActRow>(sql`
      SELECT id, act, actor, occurred_at, detail FROM audit_events
       WHERE organization_id = ${owner} AND target = ${licenseId} AND id > ${after}::bigint
         AND act = ANY(${[...HISTORIC_ACTS]})
       ORDER BY id LIMIT ${PIECE}`);
  }

  /** By the last act before the first that was still to come, as `actsUntil` has it. */
  private async wasSuspended(organizationId: string, at: Date): Promise<boolean> {
    const [last] = await this.database.query<{ act: string }>(sql`
      WITH acts AS (
        SELECT id, act, occurred_at FROM audit_events
         WHERE organization_id = ${organizationId}::uuid AND target = ${organizationId}::text
           AND act IN ('organization.suspend', 'organization.resume')
      )
      SELECT act FROM acts
       WHERE id < COALESCE((SELECT min(id) FROM acts WHERE occurred_at > ${at}), 9223372036854775807)
       ORDER BY id DESC LIMIT 1`);
    return last?.act === 'organization.suspend';
  }

  /** @throws PublicError 404 `unknown_license` */
  private async ownerOf(licenseId: string, organizationId: string | null): Promise<string> {
    const [license] = await this.database.query<{ organization_id: string }>(sql`
      SELECT organization_id FROM licenses
       WHERE id = ${licenseId} AND organization_id = COALESCE(${organizationId}::uuid, organization_id)
         AND (${organizationId}::uuid IS NULL OR status <> 'draft')`);
    if (!license) throw unknownLicense();
    return license.organization_id;
  }
}
