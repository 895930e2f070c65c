import { Injectable } from '@nestjs/common';
import { ExportRepository, unknownOrganization } from '#accounts';
import { LicenseOverviewRepository, type LicenseOverview } from '#licensing';
import type { Actor } from '#observability';

const PAGE = 100;

/** What an organization takes along: what it is, and what it has bought. */
@Injectable()
export class OrganizationExports {
  constructor(
    private readonly exports: ExportRepository,
    private readonly licenses: LicenseOverviewRepository,
  ) {}

  /** @throws PublicError 404 `unknown_organization` */
  async of(organizationId: string, by: Actor) {
    const exported = await this.exports.organization(organizationId, by);
    if (!exported) throw unknownOrganization();
    return { ...exported, licenses: await this.licensesOf(organizationId) };
  }

  private async licensesOf(organizationId: string): Promise<LicenseOverview[]> {
    const all: LicenseOverview[] = [];
    let after: string | undefined;
    do {
      const { items, next } = await this.licenses.list({
        organizationId,
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      all.push(...items);
      after = next ?? undefined;
    } while (after !== undefined);
    return all;
  }
}
