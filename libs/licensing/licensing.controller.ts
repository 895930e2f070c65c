import { Controller, Get, Headers, HttpStatus, Query, Res } from '@nestjs/common';
import { limitToModule, type LicenseSnapshot } from '@core-auth/module-kit/licensing';
import { IsUUID } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { CurrentClient, PublicError, sha256 } from '#platform';
import { matchesTag } from './administration/entity-tag.js';
import { LicenseRepository } from './license.repository.js';
import { SNAPSHOT, SNAPSHOT_REFUSALS } from './module-answers.js';
import { ForModules } from './module-route.js';

/** What this room needs to know of an authenticated client. */
interface ModuleClient {
  readonly id: string;
  readonly moduleKey: string | null;
}

export class SnapshotRequest {
  @IsUUID()
  organization_id!: string;
}

@Controller('v1/licenses')
export class LicensingController {
  constructor(private readonly licenses: LicenseRepository) {}

  /**
   * An organization's snapshot for the guards of the calling client's module. Read from the database every time: a
   * guard asks because it heard of a change, which this node's own cache may hear of a moment later.
   */
  @Get('snapshot')
  @ForModules({
    summary: 'Read the licenses of an organization, for guards',
    query: SnapshotRequest,
    answer: SNAPSHOT,
    refusals: SNAPSHOT_REFUSALS,
  })
  async snapshot(
    @Query() { organization_id: organizationId }: SnapshotRequest,
    @CurrentClient() client: ModuleClient,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-none-match') ifNoneMatch?: string,
  ): Promise<LicenseSnapshot | undefined> {
    if (client.moduleKey === null) {
      throw new PublicError(403, 'access_denied', 'Only the clients of modules may read license snapshots.');
    }
    const snapshot = await this.licenses.snapshot(organizationId);
    if (!snapshot) throw new PublicError(404, 'unknown_organization', 'There is no such organization.');
    const answer = limitToModule(snapshot, client.moduleKey);
    // of all that it says: a backup that goes on repeats versions, and a change of the catalog has none
    const entityTag = `"${sha256(JSON.stringify(answer)).toString('base64url')}"`;
    void reply.header('etag', entityTag).header('cache-control', 'private, no-cache');
    if (matchesTag(ifNoneMatch, entityTag)) {
      void reply.status(HttpStatus.NOT_MODIFIED);
      return undefined;
    }
    return answer;
  }
}
