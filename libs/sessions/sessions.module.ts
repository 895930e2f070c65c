import { Module } from '@nestjs/common';
import { AccountsModule } from '#accounts';
import { TokensModule } from '#tokens';
import { Csrf } from './csrf.js';
import { LockoutRepository } from './lockout.repository.js';
import { SessionCookie } from './session-cookie.js';
import { SessionRepository } from './session.repository.js';
import { SignIn } from './sign-in.js';

@Module({
  imports: [AccountsModule, TokensModule],
  providers: [SessionRepository, SessionCookie, Csrf, LockoutRepository, SignIn],
  exports: [SessionRepository, SessionCookie, Csrf, LockoutRepository, SignIn],
})
export class SessionsModule {}
