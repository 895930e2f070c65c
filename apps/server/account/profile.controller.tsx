import { Body, Controller, Get, Post } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { nameProblem, ProfileRepository } from '#accounts';
import { RequireSession } from '#platform';
import { actorOf, Csrf } from '#sessions';
import { FORM_EXPIRED, refused, type FormFailure } from '../pages/form-failure.js';
import { CsrfForm } from '../pages/forms.js';
import { Pages } from '../pages/pages.js';
import { accountOf, CurrentVisit, type Visit } from '../pages/visit.js';
import { ProfileView } from './profile.view.js';

class ProfileForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'name must be sent once.' })
  @MaxLength(1000, { message: 'The name is too long.' })
  name?: string;
}

/** What a person is called. */
@Controller('account/profile')
export class ProfileController {
  constructor(
    private readonly profiles: ProfileRepository,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireSession()
  show(@CurrentVisit() visit: Visit): void {
    this.page(visit, visit.session.name);
  }

  @Post()
  @RequireSession()
  async rename(@Body() form: ProfileForm, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request, reply } = visit;
    const { name = '' } = form;
    if (!this.csrf.holds(request, form.csrf_token)) return this.page(visit, name, FORM_EXPIRED);
    const problem = nameProblem(name);
    if (problem !== undefined) {
      return this.page(visit, name, refused('Your name is as it was.', { name: problem }));
    }
    await this.profiles.rename(session.userId, name, actorOf(session, request.ip));
    reply.redirect('/account', 303);
  }

  private page(visit: Visit, name: string, failure?: FormFailure): void {
    const view = <ProfileView account={accountOf(visit, this.csrf)} name={name} failure={failure} />;
    this.pages.send(visit.reply, view, { failure });
  }
}
