import { Body, Controller, Get, Post, Req, Res } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { nameProblem, ProfileRepository } from '#accounts';
import { CurrentSession, PublicError, RequireSession } from '#platform';
import { actorOf, Csrf, type Session } from '#sessions';
import { FORM_EXPIRED, refused, type FormFailure } from '../pages/form-failure.js';
import { CsrfForm } from '../pages/forms.js';
import { Pages } from '../pages/pages.js';
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
  show(@CurrentSession() session: Session, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.page(session, request, reply, session.name);
  }

  @Post()
  @RequireSession()
  async rename(
    @Body() form: ProfileForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { csrf_token: token, name = '' } = form;
    const failure = this.problemOf(request, token, name);
    if (failure) return this.page(session, request, reply, name, failure);
    await this.profiles.rename(session.userId, name, actorOf(session, request.ip));
    reply.redirect('/account', 303);
  }

  private problemOf(request: FastifyRequest, token: unknown, name: string): FormFailure | undefined {
    try {
      this.csrf.check(request, token);
    } catch (error) {
      if (error instanceof PublicError) return FORM_EXPIRED;
      throw error;
    }
    const problem = nameProblem(name);
    return problem === undefined ? undefined : refused('Your name is as it was.', { name: problem });
  }

  private page(
    session: Session,
    request: FastifyRequest,
    reply: FastifyReply,
    typed: string,
    failure?: FormFailure,
  ): void {
    const account = { ...session, csrfToken: this.csrf.token(request, reply) };
    const view = <ProfileView account={account} name={typed} failure={failure} />;
    this.pages.send(reply, view, { status: failure?.status ?? 200 });
  }
}
