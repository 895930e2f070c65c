import { Controller, Get, HttpCode, Put } from '@nestjs/common';
import { unknownOrganization } from '#accounts';
import { JsonBody, toWire } from '#platform';
import { SecondFactorRuleRepository, SessionLimitsRepository } from '#sessions';
import { SECURITY } from './answers.js';
import { CurrentCaller, OrganizationApi, type Caller } from './api-route.js';
import { SecondFactorBody, SessionLimitsBody } from './requests.js';

/** How strongly, and for how long, people sign in who act for an organization. */
@Controller('v1/organizations/:organizationId/security')
export class SecurityApiController {
  constructor(
    private readonly rules: SecondFactorRuleRepository,
    private readonly limits: SessionLimitsRepository,
  ) {}

  @Get()
  @OrganizationApi(
    'organization:read',
    'organization:secure',
    'Read the rule for second factors and the limits of sessions',
    {
      answer: SECURITY,
    },
  )
  async read(@CurrentCaller() { organizationId }: Caller) {
    const secondFactor = await this.rules.of(organizationId);
    const sessionLimits = await this.limits.of(organizationId);
    if (!secondFactor || !sessionLimits) throw unknownOrganization();
    return toWire({ secondFactor, sessionLimits });
  }

  @Put('second-factor')
  @HttpCode(204)
  @OrganizationApi(
    'organization:write',
    'organization:secure',
    'Ask every member for a second factor, or no longer',
    {
      body: SecondFactorBody,
      recent: true,
    },
  )
  async requireSecondFactor(
    @JsonBody() { required }: SecondFactorBody,
    @CurrentCaller() { organizationId, actor }: Caller,
  ): Promise<void> {
    await this.rules.set(organizationId, required, actor);
  }

  @Put('session-limits')
  @HttpCode(204)
  @OrganizationApi(
    'organization:write',
    'organization:secure',
    'Say how long a sign-in lasts for the organization',
    {
      body: SessionLimitsBody,
      recent: true,
    },
  )
  async limitSessions(
    @JsonBody() { idle_seconds: idle, absolute_seconds: absolute }: SessionLimitsBody,
    @CurrentCaller() { organizationId, actor }: Caller,
  ): Promise<void> {
    await this.limits.set(organizationId, { idleSeconds: idle, absoluteSeconds: absolute }, actor);
  }
}
