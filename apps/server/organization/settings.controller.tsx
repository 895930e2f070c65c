import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { ExportRepository, OrganizationDeletionRepository, OrganizationRepository } from '#accounts';
import { LicenseOverviewRepository, type LicenseOverview } from '#licensing';
import { Configuration, PublicError } from '#platform';
import { actorOf, Csrf } from '#sessions';
import { Pages } from '../pages/pages.js';
import { frameOf, type Frame } from './frame.js';
import { CurrentVisit, InOrganization, type Visit } from './organization-route.js';
import { SettingsView, type TypedSettings } from './settings.view.js';

const LICENSES = 100;
const DONE = { saved: 'The name was saved.', kept: 'The organization is kept.' } as const;

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
    private readonly exports: ExportRepository,
    private readonly licenses: LicenseOverviewRepository,
    private readonly configuration: Configuration,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get('settings')
  @InOrganization('organization:rename', 'See the settings')
  async show(@CurrentVisit() visit: Visit, @Query() { done }: SettingsQuery): Promise<void> {
    await this.page(visit, { done: done && DONE[done] });
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
      await this.page(visit, { problem }, { form: 'name', field, name, key, problem }, status);
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
    const exported = await this.exports.organization(organization.id, actorOf(session, request.ip));
    const data = { ...exported, licenses: await this.licensesOf(organization.id) };
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
      await this.page(visit, { problem }, { form: 'deletion', field: 'confirmation', problem }, 400);
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
      await this.page(visit, { problem: error.publicMessage }, undefined, error.status);
      return;
    }
    visit.reply.redirect('/organization/settings?done=kept', 303);
  }

  private async licensesOf(organizationId: string): Promise<LicenseOverview[]> {
    const all: LicenseOverview[] = [];
    for (;;) {
      const after = all.at(-1)?.id;
      const page = await this.licenses.list({
        organizationId,
        limit: LICENSES,
        ...(after !== undefined && { after }),
      });
      all.push(...page);
      if (page.length < LICENSES) return all;
    }
  }

  private async page(
    visit: Visit,
    said: Pick<Frame, 'done' | 'problem'>,
    typed?: TypedSettings,
    status = 200,
  ): Promise<void> {
    const details = await this.organizations.find(visit.organization.id);
    if (!details)
      throw new PublicError(404, 'unknown_organization', 'There is no such organization any more.');
    const view = (
      <SettingsView
        frame={frameOf(visit, this.csrf, said)}
        details={details}
        graceDays={this.configuration.deletionGraceDays}
        typed={typed}
      />
    );
    this.pages.send(visit.reply, view, { status });
  }
}
