import { Body, Controller, Post } from '@nestjs/common';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { PublicError } from '#platform';
import { actorOf, SecondFactorRuleRepository, SessionLimitsRepository } from '#sessions';
import { CurrentVisit, InOrganization, type Visit } from './organization-route.js';
import { SettingsPage } from './settings-page.js';
import { limitsOf } from './typed-limits.js';

const SETTINGS = '/organization/settings';

class SecondFactorForm {
  @IsIn(['yes', 'no'], { message: 'required must be yes or no.' })
  required!: 'yes' | 'no';
}

class SessionLimitsForm {
  @IsOptional()
  @IsString({ message: 'idle_minutes must be sent once.' })
  @MaxLength(100, { message: 'Enter minutes as a whole number.' })
  idle_minutes?: string;

  @IsOptional()
  @IsString({ message: 'absolute_minutes must be sent once.' })
  @MaxLength(100, { message: 'Enter minutes as a whole number.' })
  absolute_minutes?: string;
}

/** How strongly, and for how long, people sign in who act for an organization. */
@Controller('organization/settings')
export class OrganizationSecurityController {
  constructor(
    private readonly rules: SecondFactorRuleRepository,
    private readonly limits: SessionLimitsRepository,
    private readonly settings: SettingsPage,
  ) {}

  @Post('second-factor')
  @InOrganization('organization:secure', 'Ask every member for a second factor, or no longer', SETTINGS)
  async requireSecondFactor(@CurrentVisit() visit: Visit, @Body() form: SecondFactorForm): Promise<void> {
    try {
      await this.rules.set(visit.organization.id, form.required === 'yes', actor(visit));
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      await this.settings.send(visit, { problem: error.publicMessage }, undefined, error.status);
      return;
    }
    visit.reply.redirect(`${SETTINGS}?done=second-factor`, 303);
  }

  @Post('sessions')
  @InOrganization('organization:secure', 'Say how long a sign-in lasts for the organization', SETTINGS)
  async limitSessions(@CurrentVisit() visit: Visit, @Body() form: SessionLimitsForm): Promise<void> {
    const { idle_minutes: idle = '', absolute_minutes: absolute = '' } = form;
    try {
      await this.limits.set(visit.organization.id, limitsOf({ idle, absolute }), actor(visit));
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      const { publicMessage: problem, status } = error;
      await this.settings.send(visit, { problem }, { form: 'sessions', idle, absolute, problem }, status);
      return;
    }
    visit.reply.redirect(`${SETTINGS}?done=sessions`, 303);
  }
}

function actor({ session, request }: Visit) {
  return actorOf(session, request.ip);
}
