import { Controller, Delete, Get, Header, HttpCode, Post, Put, Req } from '@nestjs/common';
import { IsString, MaxLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import type { LiveToken } from '#oauth';
import { AcceptsJson, CurrentToken, PublicError, RequireRecentToken, RequireScope } from '#platform';
import { FactorRepository, Factors, TotpEnrolment } from '#sessions';
import { removed } from './factor-problems.js';
import { JsonBody } from './json-body.js';
import { personOf, tokenActor } from './token-person.js';

class ConfirmationBody {
  @IsString({ message: 'offer must be the text that came with the secret.' })
  @MaxLength(1024, { message: 'offer must be the text that came with the secret.' })
  offer!: string;

  @IsString({ message: 'code must be a text of six digits.' })
  @MaxLength(256, { message: 'code must be a text of six digits.' })
  code!: string;
}

/** What a person signs in with beside the password, for who holds a token of theirs. */
@Controller('v1/account/factors')
export class AccountFactorsApiController {
  constructor(
    private readonly factors: FactorRepository,
    private readonly acts: Factors,
    private readonly enrolment: TotpEnrolment,
  ) {}

  @Get()
  @RequireScope('account:read')
  @Header('cache-control', 'no-store')
  async list(@CurrentToken() token: LiveToken) {
    const { totp, passkeys, recoveryCodesLeft } = await this.factors.of(personOf(token).userId);
    return {
      authenticator_app: totp ? used(totp) : null,
      passkeys: passkeys.map(({ id, name, synced, ...times }) => ({ id, name, synced, ...used(times) })),
      recovery_codes_left: recoveryCodesLeft,
    };
  }

  /** Keeps nothing: the answer is brought back with the first code of the app. */
  @Post('authenticator-app/offers')
  @HttpCode(200)
  @RequireRecentToken('account:security')
  @Header('cache-control', 'no-store')
  offer(@CurrentToken() token: LiveToken) {
    const { envelope, secret, uri } = this.enrolment.offer(personOf(token));
    return { offer: envelope, secret: secret.replaceAll(' ', ''), uri };
  }

  /** In place of the app that there was. */
  @Put('authenticator-app')
  @RequireRecentToken('account:security')
  @AcceptsJson()
  @Header('cache-control', 'no-store')
  async confirm(
    @JsonBody(ConfirmationBody) { offer, code }: ConfirmationBody,
    @CurrentToken() token: LiveToken,
    @Req() request: FastifyRequest,
  ) {
    const person = personOf(token);
    const by = tokenActor(token, request);
    if (!this.enrolment.reopen(person, offer)) {
      throw new PublicError(400, 'offer_expired', 'The secret was offered too long ago. Ask for another.');
    }
    if (!(await this.enrolment.confirm(person, offer, code, by))) {
      throw new PublicError(400, 'wrong_code', 'This is not the code that the app shows now.');
    }
    return { recovery_codes: await this.acts.firstRecoveryCodes(person, by) };
  }

  @Delete('authenticator-app')
  @HttpCode(204)
  @RequireRecentToken('account:security')
  async remove(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest): Promise<void> {
    removed(await this.acts.removeTotp(personOf(token), tokenActor(token, request)), 'authenticator app');
  }

  /** In place of all that there were. */
  @Post('recovery-codes')
  @RequireRecentToken('account:security')
  @Header('cache-control', 'no-store')
  async makeRecoveryCodes(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest) {
    const codes = await this.acts.makeRecoveryCodes(personOf(token), tokenActor(token, request));
    if (codes.length === 0) {
      const sentence =
        'Recovery codes stand in for a second factor. Add a passkey or an authenticator app first.';
      throw new PublicError(409, 'no_factor', sentence);
    }
    return { recovery_codes: codes };
  }
}

function used({ createdAt, lastUsedAt }: { createdAt: Date; lastUsedAt: Date | undefined }) {
  return { created_at: createdAt.toISOString(), last_used_at: lastUsedAt?.toISOString() ?? null };
}
