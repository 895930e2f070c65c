import { Module } from '@nestjs/common';
import { AccountsModule } from '#accounts';
import { TokensModule } from '#tokens';
import { Csrf } from './csrf.js';
import { LockoutRepository } from './lockout.repository.js';
import { PasswordRepository } from './password.repository.js';
import { SessionCookie } from './session-cookie.js';
import { SessionExpiry } from './session-expiry.js';
import { SessionRepository } from './session.repository.js';
import { SignIn } from './sign-in.js';

@Module({
  imports: [AccountsModule, TokensModule],
  providers: [
    SessionRepository,
    SessionExpiry,
    SessionCookie,
    Csrf,
    LockoutRepository,
    PasswordRepository,
    SignIn,
  ],
  exports: [SessionRepository, SessionCookie, Csrf, LockoutRepository, PasswordRepository, SignIn],
})
export class SessionsModule {}
