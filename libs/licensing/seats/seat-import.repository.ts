import { Injectable } from '@nestjs/common';
import { Database, PublicError, sql } from '#platform';
import type { By } from '../by.js';
import {
  ImportRefusals,
  orderOf,
  PaperDesk,
  seatLine,
  type ImportDirectory,
  type ImportLicense,
  type ImportLine,
  type ImportResult,
  type SeatDesk,
} from './seat-import.js';
import { SeatRepository } from './seat.repository.js';
import { coolingSeats, seatStanding } from './seat-standing.repository.js';

/** Whose seats of what, by their keys. */
export interface ImportTarget {
  readonly organizationKey: string;
  readonly moduleKey: string;
  /** Whether seats of drafts are given too, which the seller alone sees; they are unless told. */
  readonly drafts?: boolean;
}

/** Seats for the people of a file. Each line is one assignment by itself: it happens whole or not at all. */
@Injectable()
export class SeatImportRepository {
  constructor(
    private readonly database: Database,
    private readonly seats: SeatRepository,
  ) {}

  /**
   * What `run` would do to each line now.
   * @throws PublicError 404 `unknown_organization`, `unknown_module`, `no_license`
   */
  async plan(lines: readonly ImportLine[], target: ImportTarget): Promise<ImportResult[]> {
    const organizationId = await this.organizationOf(target);
    const directory = await this.directory(lines, organizationId, target);
    return seatAll(lines, directory, new PaperDesk(directory.licenses));
  }

  /**
   * Assigns line after line, for one organization once at a time; running it again finds those seated that the first run
   * has seated.
   * @param done is told of each result as it comes
   * @throws PublicError 404 `unknown_organization`, `unknown_module`, `no_license`; 409 `import_under_way`; before
   * anything is done
   */
  async run(
    lines: readonly ImportLine[],
    target: ImportTarget,
    by: By,
    done: (result: ImportResult) => void = () => undefined,
  ): Promise<ImportResult[]> {
    const organizationId = await this.organizationOf(target);
    const ran = await this.database.alone(`seat import of ${organizationId}`, async () => {
      const directory = await this.directory(lines, organizationId, target);
      return seatAll(lines, directory, this.desk(directory.licenses, by), done);
    });
    if (ran) return ran.result;
    throw new PublicError(
      409,
      'import_under_way',
      'Seats of this organization are being imported at this moment: wait until that has ended.',
    );
  }

  private desk(licenses: readonly ImportLicense[], by: By): SeatDesk {
    const refusals = new ImportRefusals(licenses);
    return {
      seatedOn: (userId, licenseIds) => this.seatedOn(userId, licenseIds),
      take: async (licenseId, userId) => {
        const known = refusals.find(licenseId, userId);
        if (known) return known;
        try {
          const { assigned } = await this.seats.assignSeat(licenseId, userId, by, 'import');
          refusals.forget(licenseId);
          return assigned ? 'assigned' : 'already-seated';
        } catch (error) {
          if (!(error instanceof PublicError)) throw error;
          refusals.remember(licenseId, error);
          return error;
        }
      },
    };
  }

  private async seatedOn(userId: string, licenseIds: readonly string[]): Promise<string | undefined> {
    if (licenseIds.length === 0) return undefined;
    const rows = await this.database.query<{ license_id: string }>(sql`
      SELECT license_id FROM seat_assignments
       WHERE user_id = ${userId} AND license_id = ANY (${licenseIds}::uuid[]) AND released_at IS NULL`);
    return licenseIds.find((id) => rows.some((row) => row.license_id === id));
  }

  private async organizationOf({ organizationKey, moduleKey }: ImportTarget): Promise<string> {
    const [target] = await this.database.query<{ organization_id: string | null; module: string | null }>(sql`
      SELECT (SELECT id FROM organizations WHERE key = ${organizationKey}) AS organization_id,
             (SELECT key FROM modules WHERE key = ${moduleKey}) AS module`);
    if (!target?.organization_id) throw unknown('organization', organizationKey);
    if (!target.module) throw unknown('module', moduleKey);
    return target.organization_id;
  }

  private async directory(
    lines: readonly ImportLine[],
    organizationId: string,
    { moduleKey, drafts = true }: ImportTarget,
  ): Promise<ImportDirectory> {
    const licenses = await this.licensesOf(organizationId, moduleKey, drafts);
    if (licenses.length === 0) {
      throw new PublicError(404, 'no_license', 'The organization has no license of this module.');
    }
    const members = await this.database.query<{ email: string; id: string }>(sql`
      SELECT email, users.id FROM users JOIN memberships ON user_id = users.id
       WHERE organization_id = ${organizationId} AND email = ANY (${lines.map(({ email }) => email)})`);
    return { licenses, members: new Map(members.map(({ email, id }) => [email, id])) };
  }

  /** All that there have been, the earliest first. */
  private async licensesOf(
    organizationId: string,
    moduleKey: string,
    drafts: boolean,
  ): Promise<ImportLicense[]> {
    const rows = await this.database.query<{ id: string; here: boolean; seated: string[] }>(sql`
      SELECT id, licenses.environment = modules.environment AS here,
             ARRAY (SELECT user_id FROM seat_assignments
                     WHERE license_id = licenses.id AND released_at IS NULL) AS seated
        FROM licenses JOIN modules ON modules.key = module_key
       WHERE organization_id = ${organizationId} AND module_key = ${moduleKey}
         AND (${drafts}::boolean OR status <> 'draft')
       ORDER BY starts_at, id`);
    const licenses: ImportLicense[] = [];
    for (const row of rows) {
      const standing = await seatStanding(this.database, row.id);
      licenses.push({ ...standing, ...row, coolingSeats: await coolingSeats(this.database, row.id) });
    }
    return licenses;
  }
}

async function seatAll(
  lines: readonly ImportLine[],
  { licenses, members }: ImportDirectory,
  desk: SeatDesk,
  done: (result: ImportResult) => void = () => undefined,
): Promise<ImportResult[]> {
  const order = orderOf(licenses);
  const results: ImportResult[] = [];
  for (const line of lines) {
    const result = await seatLine(line, { order, members }, desk);
    results.push(result);
    done(result);
  }
  return results;
}

function unknown(what: 'organization' | 'module', key: string): PublicError {
  return new PublicError(404, `unknown_${what}`, `There is no ${what} "${key}".`);
}
