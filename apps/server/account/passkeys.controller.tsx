import { Body, Controller, HttpCode, Param, ParseUUIDPipe, Post, Req, Res } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentSession, PublicError, RequireRecentSession } from '#platform';
import { actorOf, Csrf, Factors, Passkeys, readFactorName, type Session } from '#sessions';
import { CsrfForm } from '../pages/forms.js';
import { ReturnAddress } from '../pages/return-address.js';
import { CurrentVisit, type Visit } from '../pages/visit.js';
import { FactorPages } from './factor-pages.js';

const SECURITY = '/account/security';

class NameForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'name must be sent once.' })
  @MaxLength(1024, { message: 'The name is too long.' })
  name?: string;
}

class NewPasskeyForm extends NameForm {
  @IsOptional()
  @IsString({ message: 'return_to must be sent once.' })
  return_to?: string;

  @IsOptional()
  @IsString({ message: 'credential must be sent once.' })
  credential?: string;
}

/** An id in a path that is none is an address where there is nothing. */
const passkeyId = new ParseUUIDPipe({
  exceptionFactory: () => new PublicError(404, 'not_found', 'There is no such passkey.'),
});

/** The passkeys of an account. */
@Controller('account/security/passkeys')
export class PasskeysController {
  constructor(
    private readonly passkeys: Passkeys,
    private readonly factors: Factors,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly factorPages: FactorPages,
  ) {}

  /** For the script of the page. */
  @Post('options')
  @HttpCode(200)
  @RequireRecentSession(SECURITY)
  async options(
    @Body() form: CsrfForm,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    this.csrf.check(request, form.csrf_token);
    reply.header('cache-control', 'no-store');
    return this.passkeys.registrationOptions(session, this.browserOf(request));
  }

  @Post()
  @RequireRecentSession(SECURITY)
  async add(@Body() form: NewPasskeyForm, @CurrentVisit() visit: Visit): Promise<void> {
    const { session, request } = visit;
    this.csrf.check(request, form.csrf_token);
    const returnTo = await this.returnAddress.safe(form.return_to ?? SECURITY);
    const name = readFactorName(form.name ?? '');
    if (name === undefined) {
      const problem = { kind: 'name', id: undefined, typed: form.name ?? '' } as const;
      return this.factorPages.list(visit, { status: 400, returnTo, problem });
    }
    const presented = { response: form.credential ?? '', browser: this.browserOf(request) };
    const outcome = await this.passkeys.register(session, name, presented, actorOf(session, request.ip));
    if (outcome.kind !== 'added') {
      const status = outcome.kind === 'refused' ? 400 : 409;
      return this.factorPages.list(visit, { status, returnTo, problem: { kind: `passkey-${outcome.kind}` } });
    }
    await this.factorPages.added(visit, 'Your passkey was added', outcome.methods, returnTo);
  }

  @Post(':id/rename')
  @RequireRecentSession(SECURITY)
  async rename(
    @Param('id', passkeyId) id: string,
    @Body() form: NameForm,
    @CurrentVisit() visit: Visit,
  ): Promise<void> {
    const { session, request, reply } = visit;
    this.csrf.check(request, form.csrf_token);
    const name = readFactorName(form.name ?? '');
    if (name === undefined) {
      const problem = { kind: 'name', id, typed: form.name ?? '' } as const;
      return this.factorPages.list(visit, { status: 400, problem });
    }
    if (!(await this.factors.renamePasskey(session, id, name, actorOf(session, request.ip)))) {
      return this.factorPages.list(visit, { status: 404, problem: { kind: 'unknown' } });
    }
    reply.redirect(`${SECURITY}?done=passkey-renamed`, 303);
  }

  @Post(':id/remove')
  @RequireRecentSession(SECURITY)
  async remove(
    @Param('id', passkeyId) id: string,
    @Body() form: CsrfForm,
    @CurrentVisit() visit: Visit,
  ): Promise<void> {
    const { session, request, reply } = visit;
    this.csrf.check(request, form.csrf_token);
    const removal = await this.factors.removePasskey(session, id, actorOf(session, request.ip));
    if (removal.kind !== 'removed') {
      const status = removal.kind === 'unknown' ? 404 : 409;
      return this.factorPages.list(visit, { status, problem: removal });
    }
    reply.redirect(`${SECURITY}?done=passkey-removed`, 303);
  }

  private browserOf(request: FastifyRequest): Buffer {
    const browser = this.csrf.browserOf(request);
    if (!browser) throw new PublicError(403, 'form_expired', 'Reload the page and try again.');
    return browser;
  }
}
