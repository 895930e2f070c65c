export { ACR_VALUES, acrOf, reachedAcr } from './authentication-context.js';
export { Csrf } from './csrf.js';
export { LockoutRepository } from './lockout.repository.js';
export { PasswordRepository } from './password.repository.js';
export { sessionOf, type Session, type SessionRow } from './session.js';
export { SessionCookie } from './session-cookie.js';
export { SessionRepository } from './session.repository.js';
export { SessionsModule } from './sessions.module.js';
export { SignIn } from './sign-in.js';
