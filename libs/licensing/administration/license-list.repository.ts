import { Injectable } from '@nestjs/common';
import type { LicenseStatus } from '@core-auth/module-kit/licensing';
import { Database, sql } from '#platform';
import { unknownLicense } from '../license-writing.repository.js';
import { pageOf, type Page } from '../page.js';
import { PROBES } from '../probes.js';

export interface LicenseFilter {
  readonly organizationId: string | null;
  readonly module: string | null;
  readonly status: LicenseStatus | null;
  /** Exclusive; licenses without an end never end before. */
  readonly endingBefore: Date | null;
  /** Whether drafts are among them: the seller sees them alone. */
  readonly drafts: boolean;
}

export interface KeptSeat {
  readonly invitationId: string;
  /** Whom the invitation was sent to; null when another system invites. */
  readonly email: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface HeldLease {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly device: string;
  readonly fence: number;
  readonly leasedAt: Date;
  /** When the holder was last heard of. */
  readonly heardAt: Date;
  readonly expiresAt: Date;
}

export interface GrantedFile {
  readonly id: string;
  readonly instance: string;
  readonly seatBlock: number;
  readonly sequence: number;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  /** Also when a later file of its instance took its place. */
  readonly returnedAt: Date | null;
  /** The sequence of the file that took its place. */
  readonly replacedBy: number | null;
}

type GrantedRow = Omit<GrantedFile, 'sequence' | 'replacedBy'> & {
  readonly sequence: string;
  readonly replacedBy: string | null;
};

const FIRST = '00000000-0000-0000-0000-000000000000';

/** Lists for who administers licenses. */
@Injectable()
export class LicenseListRepository {
  constructor(private readonly database: Database) {}

  /**
   * The organization of a license, which never changes.
   * @param within for whom it is looked up, null for the seller: another's license and a draft, which is an offer that
   * was not made yet, are as unknown as one that does not exist
   * @throws PublicError 404 `unknown_license`
   */
  async organizationOf(licenseId: string, within: string | null): Promise<string> {
    const [row] = await this.database.query<{ organization_id: string }>(sql`
      SELECT organization_id FROM licenses
       WHERE id = ${licenseId} AND organization_id = COALESCE(${within}::uuid, organization_id)
         AND (${within}::uuid IS NULL OR status <> 'draft')`);
    if (!row) throw unknownLicense();
    return row.organization_id;
  }

  /** Ids of licenses, by id, after `after`. */
  async licenses(filter: LicenseFilter, after: string | null, limit: number): Promise<Page<string>> {
    const { organizationId, module, status, endingBefore, drafts } = filter;
    const rows = await this.database.query<{ id: string }>(sql`
      SELECT id FROM licenses
       WHERE CASE WHEN ${organizationId}::uuid IS NULL
                  THEN NOT EXISTS (SELECT FROM organizations AS probe
                                    WHERE probe.id = organization_id AND probe.key ~ ${PROBES})
                  ELSE organization_id = ${organizationId} END
         AND (${drafts}::boolean OR status <> 'draft')
         AND (${module}::text IS NULL OR module_key = ${module})
         AND (${status}::text IS NULL OR status = ${status})
         AND (${endingBefore}::timestamptz IS NULL OR ends_at < ${endingBefore})
         AND id > ${after ?? FIRST}::uuid
       ORDER BY id LIMIT ${limit + 1}`);
    return pageOf(
      rows.map(({ id }) => id),
      limit,
      (id) => id,
    );
  }

  /** What was asked when a license was issued; undefined when it was issued in another way. */
  async requestOf(licenseId: string, organizationId: string): Promise<string | undefined> {
    const [row] = await this.database.query<{ request: string | null }>(sql`
      SELECT detail->>'request' AS request FROM audit_events
       WHERE organization_id = ${organizationId} AND target = ${licenseId}
         AND act IN ('license.issue', 'license.draft')
       ORDER BY id LIMIT 1`);
    return row?.request ?? undefined;
  }

  /** Seats that are kept now, by invitation. */
  async reservations(licenseId: string, after: string | null, limit: number): Promise<Page<KeptSeat>> {
    const rows = await this.database.query<KeptSeat>(sql`
      SELECT invitation_id AS "invitationId", email, kept.created_at AS "createdAt",
             kept.expires_at AS "expiresAt"
        FROM seat_reservations AS kept
        JOIN licenses ON licenses.id = kept.license_id
        LEFT JOIN invitations ON invitations.id = invitation_id
              AND invitations.organization_id = licenses.organization_id
       WHERE kept.license_id = ${licenseId} AND kept.expires_at > now()
         AND invitation_id > ${after ?? FIRST}::uuid
       ORDER BY invitation_id LIMIT ${limit + 1}`);
    return pageOf(rows, limit, ({ invitationId }) => invitationId);
  }

  /** Floating seats that are held now, by fence number. */
  async leases(licenseId: string, after: string | null, limit: number): Promise<Page<HeldLease>> {
    const rows = await this.database.query<Omit<HeldLease, 'fence'> & { fence: string }>(sql`
      SELECT user_id AS "userId", users.name, email, device, fence, leased_at AS "leasedAt",
             greatest(leased_at, expires_at - make_interval(secs => lease_seconds)) AS "heardAt",
             expires_at AS "expiresAt"
        FROM seat_leases
        JOIN users ON users.id = user_id
        JOIN licenses ON licenses.id = license_id
       WHERE license_id = ${licenseId} AND expires_at > now() AND fence > ${after ?? '0'}::bigint
       ORDER BY fence LIMIT ${limit + 1}`);
    const leases = rows.map((row) => ({ ...row, fence: Number(row.fence) }));
    return pageOf(leases, limit, ({ fence }) => String(fence));
  }

  /** License files that were issued, by id. */
  async offlineGrants(licenseId: string, after: string | null, limit: number): Promise<Page<GrantedFile>> {
    const rows = await this.database.query<GrantedRow>(sql`
      SELECT id, instance, seat_block AS "seatBlock", sequence, issued_at AS "issuedAt",
             expires_at AS "expiresAt", returned_at AS "returnedAt",
             -- a later file ends the former at the moment of its own issue, of which it knows whole seconds
             (SELECT sequence FROM offline_grants AS later
               WHERE later.license_id = file.license_id AND later.instance = file.instance
                 AND later.sequence = file.sequence + 1
                 AND later.issued_at = date_trunc('second', file.returned_at)) AS "replacedBy"
        FROM offline_grants AS file WHERE license_id = ${licenseId} AND id > ${after ?? FIRST}::uuid
       ORDER BY id LIMIT ${limit + 1}`);
    return pageOf(rows.map(grantedFile), limit, ({ id }) => id);
  }
}

function grantedFile(row: GrantedRow): GrantedFile {
  const { sequence, replacedBy } = row;
  return { ...row, sequence: Number(sequence), replacedBy: replacedBy === null ? null : Number(replacedBy) };
}
