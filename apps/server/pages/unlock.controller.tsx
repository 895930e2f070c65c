import { Body, Controller, Get, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '#platform';
import { Csrf, DeviceCookie, Unlock } from '#sessions';
import { Pages } from './pages.js';
import { UnlockedView, UnlockView, type UnlockFailure } from './unlock.view.js';

class UnlockQuery {
  @IsOptional()
  @IsString({ message: 'token must be sent once.' })
  @MaxLength(64, { message: 'The token is too long.' })
  token?: string;
}

class UnlockForm extends UnlockQuery {
  @IsOptional()
  @IsString({ message: 'csrf_token must be sent once.' })
  csrf_token?: string;
}

const STATUS: Readonly<Record<UnlockFailure, number>> = { 'bad-link': 400, 'form-expired': 403 };

/** Where the link of a mail about a delay leads. To look at it uses nothing: programs that read mail follow links. */
@Controller()
export class UnlockController {
  constructor(
    private readonly unlock: Unlock,
    private readonly devices: DeviceCookie,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get('unlock')
  @Public()
  async show(
    @Query() { token }: UnlockQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const open = token !== undefined && token !== '' && (await this.unlock.isOpen(token));
    this.page(request, reply, open ? token : undefined, open ? undefined : 'bad-link');
  }

  @Post('unlock')
  @Public()
  async submit(
    @Body() { token, csrf_token }: UnlockForm,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (!this.csrf.holds(request, csrf_token)) return this.page(request, reply, token, 'form-expired');
    const secret = token && (await this.unlock.open(token, request.ip));
    if (!secret) return this.page(request, reply, undefined, 'bad-link');
    this.devices.set(request, reply, secret);
    reply.header('cache-control', 'no-store').redirect('/unlocked', 303);
  }

  @Get('unlocked')
  @Public()
  unlocked(@Res() reply: FastifyReply): void {
    this.pages.send(reply, <UnlockedView />);
  }

  private page(
    request: FastifyRequest,
    reply: FastifyReply,
    token: string | undefined,
    failure: UnlockFailure | undefined,
  ): void {
    const csrfToken = this.csrf.token(request, reply);
    this.pages.send(
      reply,
      <UnlockView csrfToken={csrfToken} token={token === '' ? undefined : token} failure={failure} />,
      { status: failure ? STATUS[failure] : 200 },
    );
  }
}
