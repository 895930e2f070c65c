import { Controller, Delete, Get, HttpCode, Post, Put, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { LiveToken } from '#oauth';
import { CurrentToken, JsonBody, PublicError } from '#platform';
import { FactorRepository, Factors, TotpEnrolment } from '#sessions';
import { APP_OFFER, FACTORS, RECOVERY_CODES } from './account-answers.js';
import { AccountApi } from './account-api-route.js';
import { ConfirmationBody } from './account-requests.js';
import { removed } from './factor-problems.js';
import { personOf, tokenActor } from './token-person.js';

/** What a person signs in with beside the password, for who holds a token of theirs. */
@Controller('v1/account/factors')
export class AccountFactorsApiController {
  constructor(
    private readonly factors: FactorRepository,
    private readonly acts: Factors,
    private readonly enrolment: TotpEnrolment,
  ) {}

  @Get()
  @AccountApi('account:read', 'List what somebody signs in with beside the password', { answer: FACTORS })
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
  @AccountApi('account:security', 'Get a secret for an authenticator app', {
    recent: true,
    answer: APP_OFFER,
  })
  offer(@CurrentToken() token: LiveToken) {
    const { envelope, secret, uri } = this.enrolment.offer(personOf(token));
    return { offer: envelope, secret: secret.replaceAll(' ', ''), uri };
  }

  /** In place of the app that there was. */
  @Put('authenticator-app')
  @AccountApi('account:security', 'Set up an authenticator app, by its first code', {
    recent: true,
    body: ConfirmationBody,
    answer: RECOVERY_CODES,
  })
  async confirm(
    @JsonBody() { offer, code }: ConfirmationBody,
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
  @AccountApi('account:security', 'Remove the authenticator app', { recent: true })
  async remove(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest): Promise<void> {
    removed(await this.acts.removeTotp(personOf(token), tokenActor(token, request)), 'authenticator app');
  }

  /** In place of all that there were. */
  @Post('recovery-codes')
  @AccountApi('account:security', 'Make new recovery codes', { recent: true, answer: RECOVERY_CODES })
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
