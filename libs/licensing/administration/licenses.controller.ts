import { Controller, Get, Headers, HttpCode, HttpStatus, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { idOf, JsonBody, PublicError, QueryOf, sha256, toWire } from '#platform';
import { LicenseDetailsRepository } from '../license-details.repository.js';
import type { NewLicense } from '../license.js';
import { LicenseRepository } from '../license.repository.js';
import { LICENSE, LICENSE_LIST } from './answers.js';
import type { Reach } from './authority.guard.js';
import { entityTag, matchesTag } from './entity-tag.js';
import { LicenseListRepository } from './license-list.repository.js';
import { LicenseListQuery, NewLicenseBody } from './license-requests.js';
import { instant, PAGE } from './request.js';
import { Administers, CurrentReach } from './route.js';

/** Licenses as they are sold: read, and issued. */
@Controller('v1/licenses')
export class LicensesController {
  constructor(
    private readonly licenses: LicenseRepository,
    private readonly details: LicenseDetailsRepository,
    private readonly lists: LicenseListRepository,
  ) {}

  @Get()
  @Administers('licenses:read', 'List licenses by id', { query: LicenseListQuery, answer: LICENSE_LIST })
  async list(@QueryOf() query: LicenseListQuery, @CurrentReach() reach: Reach) {
    const filter = {
      organizationId: organizationWithin(query.organization_id ?? null, reach),
      module: query.module ?? null,
      status: query.status ?? null,
      endingBefore: instant(query.ending_before) ?? null,
      drafts: reach.organizationId === null,
    };
    const { items, next } = await this.lists.licenses(
      filter,
      query.cursor ?? null,
      Number(query.limit ?? PAGE),
    );
    return { licenses: toWire(await this.details.list(items, reach.organizationId)), next_cursor: next };
  }

  @Get(':id')
  @Administers('licenses:read', 'Read a license', { answer: LICENSE })
  async find(
    @Param('id') id: string,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-none-match') ifNoneMatch?: string,
  ) {
    const details = await this.details.find(idOf(id, 'license'), reach.organizationId);
    const tag = entityTag(details.version);
    void reply.header('etag', tag);
    if (matchesTag(ifNoneMatch, tag)) {
      void reply.status(HttpStatus.NOT_MODIFIED);
      return undefined;
    }
    return toWire(details);
  }

  /**
   * The key names the license that is issued: the same key of the same caller finds the license that the first call
   * made, and the database's primary key decides which call that was.
   */
  @Post()
  @HttpCode(201)
  @Administers('licenses:issue', 'Issue a license, or draft one', {
    body: NewLicenseBody,
    idempotencyKey: true,
    answer: LICENSE,
  })
  async issue(
    @JsonBody() body: NewLicenseBody,
    @CurrentReach() { actor }: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('idempotency-key') key?: string,
  ) {
    const id = idOfKey(actor.id, key);
    const request = sha256(JSON.stringify(Object.entries(body).toSorted())).toString('base64url');
    const license = newLicense(body, id, request);
    try {
      await (body.draft === true ? this.licenses.draft(license, actor) : this.licenses.issue(license, actor));
    } catch (error) {
      if (!(error instanceof PublicError) || !(await this.isIssued(error, license))) throw error;
    }
    const details = await this.details.find(id);
    void reply.header('etag', entityTag(details.version)).header('location', `/v1/licenses/${id}`);
    return toWire(details);
  }

  /** @throws PublicError 422 `idempotency_key_reused` when the key was sent with another body before */
  private async isIssued({ code }: PublicError, { id = '', requestSha256 }: NewLicense): Promise<boolean> {
    // a trial is found by the ledger before its license is, and what was sound when it was issued may have ended since
    if (!['license_exists', 'trial_used', 'invalid_license'].includes(code ?? '')) return false;
    const issued = await this.lists.organizationOf(id, null).catch(() => undefined);
    if (issued === undefined) return false;
    if ((await this.lists.requestOf(id, issued)) === requestSha256) return true;
    throw new PublicError(
      422,
      'idempotency_key_reused',
      'This Idempotency-Key was sent with another body. Send a new key with a new request.',
    );
  }
}

/**
 * The organization that a question is about.
 * @throws PublicError 404 `unknown_organization` for another than the caller's own
 */
export function organizationWithin(asked: string | null, { organizationId }: Reach): string | null {
  if (organizationId === null || asked === null) return asked ?? organizationId;
  if (asked.toLowerCase() === organizationId) return organizationId;
  throw new PublicError(404, 'unknown_organization', 'There is no such organization.');
}

function idOfKey(actor: string, key: string | undefined): string {
  // the draft of the header lets a key be a quoted string
  if (key === undefined || !/^[\x21-\x7e]{1,128}$/.test(key)) {
    throw new PublicError(
      400,
      'invalid_request',
      'Send an Idempotency-Key of 1 to 128 visible characters, a new one for each license.',
    );
  }
  const digest = sha256(JSON.stringify(['license.issue', actor, key])).subarray(0, 16);
  // RFC 9562 §5.8: version 8, made in a way of one's own
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function newLicense(body: NewLicenseBody, id: string, requestSha256: string): NewLicense {
  if (body.last_day && body.ends_at) {
    throw new PublicError(400, 'invalid_license', 'A license says either its last day or its end.');
  }
  return {
    id,
    requestSha256,
    reason: body.reason ?? undefined,
    organizationId: body.organization_id,
    moduleKey: body.module,
    planVersionId: body.plan_version_id,
    startsAt: instant(body.starts_at),
    endsAt: instant(body.ends_at) ?? null,
    graceDays: body.grace_days ?? 0,
    seatModel: body.seat_model,
    seatLimit: body.seat_limit ?? null,
    trial: false,
    overage: body.overage ?? 'refuse',
    seatOnFirstUse: body.seat_on_first_use ?? false,
    timeZone: body.time_zone ?? 'UTC',
    seatCooldownSeconds: body.seat_cooldown_seconds ?? 0,
    leaseSeconds: body.lease_seconds ?? 300,
    ...(body.last_day ? { lastDay: body.last_day } : {}),
    ...(body.environment ? { environment: body.environment } : {}),
  };
}
