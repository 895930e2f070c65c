import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { OrganizationDeletionRepository, OrganizationRepository } from '#accounts';
import { PublicError } from '#platform';
import { actorOf } from '#sessions';
import { OrganizationExports } from './organization-exports.js';
import { CurrentVisit, InOrganization, type Visit } from './organization-route.js';
import { SettingsPage } from './settings-page.js';

const DONE = {
  saved: 'The name was saved.',
  kept: 'The organization is kept.',
  'second-factor': 'The rule was saved.',
  sessions: 'The limits were saved.',
} as const;

class SettingsQuery {
  @IsOptional()
  @IsIn(Object.keys(DONE))
  done?: keyof typeof DONE;
}

class NameForm {
  @IsOptional()
  @IsString({ message: 'name must be sent once.' })
  @MaxLength(1000, { message: 'The name is too long.' })
  name?: string;

  @IsOptional()
  @IsString({ message: 'key must be sent once.' })
  @MaxLength(1000, { message: 'The key is too long.' })
  key?: string;
}

class DeletionForm {
  @IsOptional()
  @IsString({ message: 'confirmation must be sent once.' })
  @MaxLength(100, { message: 'The confirmation is too long.' })
  confirmation?: string;
}

/** What an organization is called, its data, and its end. */
@Controller('organization')
export class OrganizationSettingsController {
  constructor(
    private readonly organizations: OrganizationRepository,
    private readonly deletion: OrganizationDeletionRepository,
    private readonly exports: OrganizationExports,
    private readonly settings: SettingsPage,
  ) {}

  @Get('settings')
  @InOrganization('organization:rename', 'See the settings')
  async show(@CurrentVisit() visit: Visit, @Query() { done }: SettingsQuery): Promise<void> {
    await this.settings.send(visit, { done: done && DONE[done] });
  }

  @Post('settings')
  @InOrganization('organization:rename', 'Give the organization another name and key')
  async rename(@CurrentVisit() visit: Visit, @Body() { name = '', key = '' }: NameForm): Promise<void> {
    try {
      await this.organizations.rename(
        visit.organization.id,
        { name, key },
        actorOf(visit.session, visit.request.ip),
      );
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      const { publicMessage: problem, status, code } = error;
      const field = code === 'invalid_name' ? 'name' : 'key';
      await this.settings.send(visit, { problem }, { form: 'name', field, name, key, problem }, status);
      return;
    }
    visit.reply.redirect('/organization/settings?done=saved', 303);
  }

  @Get('export')
  @InOrganization(
    'organization:export',
    'Take the organization’s data along as JSON',
    '/organization/settings',
  )
  async export(@CurrentVisit() { session, organization, request, reply }: Visit): Promise<void> {
    const data = await this.exports.of(organization.id, actorOf(session, request.ip));
    await reply
      .headers({
        'content-type': 'application/json; charset=utf-8',
        'content-disposition': `attachment; filename="${organization.key}.json"`,
        'cache-control': 'no-store',
      })
      .send(`${JSON.stringify(data, null, 2)}\n`);
  }

  @Post('deletion')
  @InOrganization('organization:delete', 'Ask for the deletion of the organization', '/organization/settings')
  async delete(@CurrentVisit() visit: Visit, @Body() { confirmation }: DeletionForm): Promise<void> {
    if (confirmation?.trim() !== visit.organization.key) {
      const problem = `Type ${visit.organization.key} to confirm that you mean this organization.`;
      await this.settings.send(visit, { problem }, { form: 'deletion', problem }, 400);
      return;
    }
    await this.deletion.request(visit.organization.id, actorOf(visit.session, visit.request.ip));
    visit.reply.redirect('/organization/settings', 303);
  }

  @Post('deletion/undo')
  @InOrganization('organization:delete', 'Undo the request for the deletion')
  async undo(@CurrentVisit() visit: Visit): Promise<void> {
    try {
      await this.deletion.undo(visit.organization.id, actorOf(visit.session, visit.request.ip));
    } catch (error) {
      if (!(error instanceof PublicError)) throw error;
      await this.settings.send(visit, { problem: error.publicMessage }, undefined, error.status);
      return;
    }
    visit.reply.redirect('/organization/settings?done=kept', 303);
  }
}
