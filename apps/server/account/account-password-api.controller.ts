import { Controller, HttpCode, Post, Put, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { LiveToken } from '#oauth';
import { Clock, CurrentToken, JsonBody, PublicError } from '#platform';
import { AddressChange, PasswordChange } from '#sessions';
import { paused } from '../pages/form-failure.js';
import { AccountApi } from './account-api-route.js';
import { AddressBody, PasswordBody } from './account-requests.js';
import { newAddressProblem } from './new-address.js';
import { personOf, signedInBy } from './token-person.js';

/** What a person changes with their password, for who holds a recent token of theirs and knows it. */
@Controller('v1/account')
export class AccountPasswordApiController {
  constructor(
    private readonly passwords: PasswordChange,
    private readonly addresses: AddressChange,
    private readonly clock: Clock,
  ) {}

  /** Ends every session but the one that the token hangs on, and every access of an application, this one included. */
  @Put('password')
  @HttpCode(204)
  @AccountApi('account:security', 'Change the password', { recent: true, body: PasswordBody })
  async changePassword(
    @JsonBody() { current_password: current, password }: PasswordBody,
    @CurrentToken() token: LiveToken,
    @Req() { ip }: FastifyRequest,
  ): Promise<void> {
    const { sid } = token.claims;
    const form = { current, password };
    const result = await this.passwords.changeByApplication(signedInBy(token), sid, form, ip);
    switch (result.kind) {
      case 'refused':
        throw new PublicError(400, 'password_refused', result.password);
      case 'wrong':
        throw wrongPassword();
      case 'locked':
        throw this.locked(result.until);
      case 'ended':
        throw new PublicError(409, 'changed_elsewhere', 'The password was changed elsewhere meanwhile.');
      case 'changed':
    }
  }

  /** The address is another one once its reader has followed the link that is mailed to it, signed in there. */
  @Post('address')
  @HttpCode(202)
  @AccountApi('account:security', 'Ask for another e-mail address, which its reader confirms by mail', {
    recent: true,
    body: AddressBody,
  })
  async changeAddress(
    @JsonBody() { email, current_password: password }: AddressBody,
    @CurrentToken() token: LiveToken,
    @Req() { ip }: FastifyRequest,
  ): Promise<void> {
    const problem = newAddressProblem(email, personOf(token).email);
    if (problem !== undefined) throw new PublicError(400, 'address_refused', problem);
    const result = await this.addresses.begin(signedInBy(token), { email, password }, ip);
    if (result.kind === 'wrong') throw wrongPassword();
    if (result.kind === 'locked') throw this.locked(result.until);
  }

  private locked(until: Date): PublicError {
    const { status, text, retryAfter } = paused(until, this.clock.now());
    return new PublicError(status, 'too_many_attempts', text, {
      headers: { 'retry-after': String(retryAfter) },
    });
  }
}

function wrongPassword(): PublicError {
  return new PublicError(400, 'wrong_password', 'This is not your password.');
}
