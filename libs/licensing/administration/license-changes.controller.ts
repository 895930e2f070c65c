import { Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { idOf, JsonBody, PublicError, QueryOf, toWire } from '#platform';
import { LicenseDetailsRepository } from '../license-details.repository.js';
import { LicenseTermsRepository } from '../license-terms.repository.js';
import type { Renewal } from '../license-terms.js';
import type { Circumstances } from '../license.js';
import { LicenseRepository } from '../license.repository.js';
import { TrialRepository } from '../trial.repository.js';
import { CHANGED_LICENSE, LICENSE, TERMS_LIST } from './answers.js';
import type { Reach } from './authority.guard.js';
import { entityTag, expectedVersion } from './entity-tag.js';
import {
  EndOverrideBody,
  OverrideBody,
  Reasoned,
  RemoveOverrideQuery,
  RenewalBody,
  StatusBody,
  TermsBody,
} from './license-requests.js';
import { instant } from './request.js';
import { Administers, CurrentReach } from './route.js';

/** Changes of one license, each for the version that the caller has read; the answer is the license since then. */
@Controller('v1/licenses/:id')
export class LicenseChangesController {
  constructor(
    private readonly licenses: LicenseRepository,
    private readonly terms: LicenseTermsRepository,
    private readonly trials: TrialRepository,
    private readonly details: LicenseDetailsRepository,
  ) {}

  @Post('status')
  @HttpCode(200)
  @Administers('licenses:change', 'Issue a draft, suspend, resume, cancel or revoke', {
    body: StatusBody,
    ifMatch: true,
    answer: LICENSE,
  })
  async changeStatus(
    @Param('id') id: string,
    @JsonBody() body: StatusBody,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-match') ifMatch?: string,
  ) {
    const { licenseId, circumstances } = changeOf(id, reach, ifMatch, body);
    await this.licenses.changeStatus(licenseId, body.status, reach.actor, circumstances);
    return this.answer(licenseId, reply);
  }

  @Post('renewals')
  @HttpCode(200)
  @Administers('licenses:change', 'Set a new end, or make a trial a paid license', {
    body: RenewalBody,
    ifMatch: true,
    answer: LICENSE,
  })
  async renew(
    @Param('id') id: string,
    @JsonBody() body: RenewalBody,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-match') ifMatch?: string,
  ) {
    const { licenseId, circumstances } = changeOf(id, reach, ifMatch, body);
    const renewal: Renewal = {
      licenseId,
      ...(body.last_day ? { lastDay: body.last_day } : {}),
      ...(saysEnd(body) ? { endsAt: instant(body.ends_at) ?? null } : {}),
      ...(typeof body.grace_days === 'number' ? { graceDays: body.grace_days } : {}),
      shorten: body.shorten === true,
    };
    await (body.convert_trial === true
      ? this.trials.convertTrial(renewal, reach.actor, circumstances)
      : this.terms.renew(renewal, reach.actor, circumstances));
    return this.answer(licenseId, reply);
  }

  @Get('terms/scheduled')
  @Administers('licenses:read', 'List the changes of terms that are to come', { answer: TERMS_LIST })
  async scheduled(@Param('id') id: string, @CurrentReach() reach: Reach) {
    const changes = await this.terms.scheduledChanges(idOf(id, 'license'), reach.organizationId);
    return { terms: toWire(changes) };
  }

  @Post('terms')
  @HttpCode(200)
  @Administers('licenses:change', 'Change the plan version or the seats, now or later', {
    body: TermsBody,
    ifMatch: true,
    answer: CHANGED_LICENSE,
  })
  async changeTerms(
    @Param('id') id: string,
    @JsonBody() body: TermsBody,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-match') ifMatch?: string,
  ) {
    const { licenseId, circumstances } = changeOf(id, reach, ifMatch, body);
    const [effectiveAt, surplusUntil] = [instant(body.effective_at), instant(body.surplus_until)];
    const change = {
      licenseId,
      ...(body.plan_version_id ? { planVersionId: body.plan_version_id } : {}),
      ...(body.seat_model ? { seatModel: body.seat_model } : {}),
      ...(body.seat_limit === undefined ? {} : { seatLimit: body.seat_limit }),
      ...(effectiveAt ? { effectiveAt } : {}),
      ...(surplusUntil ? { surplusUntil } : {}),
    };
    const { notice } = await this.terms.changeTerms(change, reach.actor, circumstances);
    return { ...(await this.answer(licenseId, reply)), ...(notice === undefined ? {} : { notice }) };
  }

  @Delete('terms/:effectiveAt')
  @Administers('licenses:change', 'Call off a change of terms before it begins', {
    query: Reasoned,
    ifMatch: true,
    answer: LICENSE,
  })
  async cancelChange(
    @Param('id') id: string,
    @Param('effectiveAt') effectiveAt: string,
    @QueryOf() query: Reasoned,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-match') ifMatch?: string,
  ) {
    const { licenseId, circumstances } = changeOf(id, reach, ifMatch, query);
    const change = { licenseId, effectiveAt: instant(effectiveAt) };
    await this.terms.cancelChange(change, reach.actor, circumstances);
    return this.answer(licenseId, reply);
  }

  @Put('overrides/:feature')
  @Administers('licenses:change', 'Set what beats the plan for one feature for a time', {
    body: OverrideBody,
    ifMatch: true,
    answer: LICENSE,
  })
  async setOverride(
    @Param('id') id: string,
    @Param('feature') feature: string,
    @JsonBody() body: OverrideBody,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-match') ifMatch?: string,
  ) {
    const { licenseId, circumstances } = changeOf(id, reach, ifMatch, body);
    const removed = body.removed === true;
    if (removed === (body.value !== undefined)) {
      throw new PublicError(
        400,
        'invalid_override',
        'An override says either the value or that it is removed.',
      );
    }
    const override = {
      licenseId,
      feature: featureOf(feature),
      value: body.value === undefined ? ('REMOVED' as const) : body.value,
      startsAt: instant(body.starts_at),
      endsAt: instant(body.ends_at) ?? null,
    };
    await this.licenses.setOverride(override, reach.actor, circumstances);
    return this.answer(licenseId, reply);
  }

  @Post('overrides/:feature/end')
  @HttpCode(200)
  @Administers('licenses:change', 'Let an override end, now or later', {
    body: EndOverrideBody,
    ifMatch: true,
    answer: LICENSE,
  })
  async endOverride(
    @Param('id') id: string,
    @Param('feature') feature: string,
    @JsonBody() body: EndOverrideBody,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-match') ifMatch?: string,
  ) {
    const { licenseId, circumstances } = changeOf(id, reach, ifMatch, body);
    const endsAt = instant(body.ends_at);
    const end = { licenseId, feature: featureOf(feature), ...(endsAt ? { endsAt } : {}) };
    await this.licenses.endOverride(end, reach.actor, circumstances);
    return this.answer(licenseId, reply);
  }

  @Delete('overrides/:feature')
  @Administers('licenses:change', 'Take an override away', {
    query: RemoveOverrideQuery,
    ifMatch: true,
    answer: LICENSE,
  })
  async removeOverride(
    @Param('id') id: string,
    @Param('feature') feature: string,
    @QueryOf() query: RemoveOverrideQuery,
    @CurrentReach() reach: Reach,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('if-match') ifMatch?: string,
  ) {
    const { licenseId, circumstances } = changeOf(id, reach, ifMatch, query);
    await this.licenses.removeOverride(
      { licenseId, feature: featureOf(feature), startsAt: instant(query.starts_at) ?? null },
      reach.actor,
      circumstances,
    );
    return this.answer(licenseId, reply);
  }

  private async answer(licenseId: string, reply: FastifyReply) {
    const details = await this.details.find(licenseId);
    void reply.header('etag', entityTag(details.version));
    return toWire(details) as object;
  }
}

function changeOf(
  id: string,
  { organizationId }: Reach,
  ifMatch: string | undefined,
  { reason }: Reasoned,
): { licenseId: string; circumstances: Circumstances } {
  const circumstances = {
    expectedVersion: expectedVersion(ifMatch),
    organizationId: organizationId ?? undefined,
    reason: reason ?? undefined,
  };
  return { licenseId: idOf(id, 'license'), circumstances };
}

/** Null is without an end; beside a last day of null it is no more than all that was left empty. */
function saysEnd({ ends_at, last_day }: RenewalBody): boolean {
  return ends_at === null ? last_day !== null : ends_at !== undefined;
}

function featureOf(feature: string): string {
  if (/^[a-z][a-z0-9-]{0,62}$/.test(feature)) return feature;
  throw new PublicError(404, 'unknown_feature', 'There is no such feature.');
}
