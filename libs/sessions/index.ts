export { Csrf } from './csrf.js';
export { delayAfter } from './lockout.js';
export { LockoutRepository } from './lockout.repository.js';
export { sessionOf, type Session, type SessionOrganization, type SessionRow } from './session.js';
export { SessionCookie } from './session-cookie.js';
export { SessionRepository, type NewSession } from './session.repository.js';
export { SessionsModule } from './sessions.module.js';
export { SignIn, type SignInResult, type SignInTry } from './sign-in.js';
