/** There is no live session; the filter sends a page to sign in, and answers anything else with 401. */
export class SignInRequired extends Error {
  /** `ended`: there was a session, so its cookie goes. */
  constructor(readonly ended: boolean) {
    super('Sign in first');
    this.name = 'SignInRequired';
  }
}
