import type { KitRequest } from '../http/http-types.js';
import type { ModuleSession } from '../session/module-session.js';

/** What one request of a sign-in gathers while passport works on it. */
export interface SignInProgress {
  /** `Set-Cookie` values for the answer, whatever the answer is. */
  cookies: string[];
  returnTo: string;
  /** Of the sign-in that begins here, then of the attempt that the answer belongs to. */
  nonce: string;
}

/** A request on its way through passport. */
export interface SignInRequest extends KitRequest {
  signIn?: SignInProgress;
  /** Set by passport on success. */
  user?: ModuleSession;
}

/** Why a sign-in ended without a session; the code is the authorization server's, or the kit's. */
export class SignInError extends Error {
  constructor(
    readonly code: string,
    /** Worth another try, as opposed to a mistake in the settings. */
    readonly retry: boolean,
    options?: ErrorOptions,
  ) {
    super(`Sign-in failed: ${code}`, options);
    this.name = 'SignInError';
  }
}
