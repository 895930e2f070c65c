import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { AuthorizedApplicationRepository, ModuleDirectory } from '#oauth';
import { PublicError, RequireSession } from '#platform';
import { actorOf, Csrf } from '#sessions';
import { CsrfForm } from '../pages/forms.js';
import { Pages } from '../pages/pages.js';
import { scopeDescriptions } from '../pages/scope-descriptions.js';
import { accountOf, CurrentVisit, type Visit } from '../pages/visit.js';
import { FOR_WHICH, NO_ORGANIZATION } from './account-requests.js';
import { ApplicationsView } from './applications.view.js';

class ApplicationsQuery {
  @IsOptional()
  @IsIn(['ended'])
  done?: 'ended';
}

class RevocationForm extends CsrfForm {
  @Matches(/^[\x21-\x7e]{1,512}$/, { message: 'client_id must be an application.' })
  client_id!: string;

  @Matches(FOR_WHICH, { message: 'organization_id must be an organization, or none.' })
  organization_id!: string;
}

/** What applications may do for a person. */
@Controller('account/applications')
export class ApplicationsController {
  constructor(
    private readonly applications: AuthorizedApplicationRepository,
    private readonly modules: ModuleDirectory,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireSession()
  async show(@Query() { done }: ApplicationsQuery, @CurrentVisit() visit: Visit): Promise<void> {
    const applications = await this.applications.of(visit.session.userId);
    const moduleNames = new Map([...(await this.modules.all())].map(([key, { name }]) => [key, name]));
    const view = (
      <ApplicationsView
        account={accountOf(visit, this.csrf)}
        applications={applications.map(({ scopes, ...shown }) => ({
          ...shown,
          permissions: scopeDescriptions(scopes.join(' '), moduleNames).map(({ summary }) => summary),
        }))}
        done={done}
      />
    );
    this.pages.send(visit.reply, view);
  }

  @Post('revoke')
  @RequireSession()
  async revoke(@Body() form: RevocationForm, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request, reply } = visit;
    this.csrf.check(request, form.csrf_token);
    const { userId } = session;
    const organizationId = form.organization_id === NO_ORGANIZATION ? null : form.organization_id;
    const application = { userId, clientId: form.client_id, organizationId };
    if (!(await this.applications.revoke(application, actorOf(session, request.ip)))) {
      throw new PublicError(404, 'unknown_application', 'This application has no access to your account.');
    }
    reply.redirect('/account/applications?done=ended', 303);
  }
}
