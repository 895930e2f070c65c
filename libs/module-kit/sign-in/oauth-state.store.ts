import type { KitClock } from '../clock.js';
import type { SignInAttempts } from './sign-in-attempt.js';
import type { SignInRequest } from './sign-in-request.js';

type Stored = (error: Error | null, state?: string) => void;
type Verified = (error: Error | null, verifier: string | false, state?: unknown) => void;

/**
 * passport-oauth2's state store over cookies. It recognizes a store that keeps PKCE verifiers by the argument counts,
 * five and four, so these methods take exactly that many.
 */
export class OAuthStateStore {
  constructor(
    private readonly attempts: SignInAttempts,
    private readonly clock: KitClock,
  ) {}

  store(request: SignInRequest, codeVerifier: string, _state: unknown, _meta: unknown, done: Stored): void {
    const { nonce = '', returnTo = '/' } = request.signIn ?? {};
    this.attempts
      .begin(request, { codeVerifier, nonce, returnTo }, this.clock.now())
      .then(({ attempt, cookies }) => {
        request.signIn?.cookies.push(...cookies);
        done(null, attempt.state);
      }, done);
  }

  verify(request: SignInRequest, state: unknown, _meta: unknown, done: Verified): void {
    this.attempts
      .take(request, typeof state === 'string' ? state : '', this.clock.now())
      .then((taken) => {
        if (!taken) return done(null, false);
        const progress = request.signIn;
        if (progress) {
          progress.cookies.push(...taken.cookies);
          progress.returnTo = taken.attempt.returnTo;
          progress.nonce = taken.attempt.nonce;
        }
        done(null, taken.attempt.codeVerifier);
      })
      .catch((error: Error) => done(error, false));
  }
}
