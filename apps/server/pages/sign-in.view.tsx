import type { VNode } from 'preact';
import { ErrorSummary, Field, HiddenFields, type FormProps } from './form.js';
import { Layout } from './layout.js';
import { queryHref } from './links.js';
import { PasskeyForm } from './passkey-form.js';
import { waitingTime } from './waiting.js';

/** Why the last attempt did not sign in. An unknown account and a wrong password are one and the same case. */
export type SignInFailure =
  | { readonly kind: 'invalid-credentials' }
  | { readonly kind: 'incomplete' }
  /** `byMail`: the owner of the account, if there is one, gets a link that ends the pause. */
  | { readonly kind: 'too-many-attempts'; readonly retryAfterSeconds: number; readonly byMail: boolean }
  | { readonly kind: 'form-expired' }
  | { readonly kind: 'passkey-refused' }
  /** The second factor did not come in time, or was wrong too often. */
  | { readonly kind: 'second-step-ended' };

interface SignInProps extends FormProps {
  /** What was typed, or a login hint. */
  readonly email?: string | undefined;
  /** E.g. `Sign in to continue to Projects`. */
  readonly message?: string | undefined;
  readonly failure?: SignInFailure | undefined;
  /** Development only: the e-mail addresses that a newcomer may sign in with. */
  readonly demonstrationAccounts?: readonly string[];
  /** Whether anybody may make an account. */
  readonly registrationIsOpen?: boolean;
}

interface FieldErrors {
  readonly title: string;
  readonly text: string;
  readonly email?: string;
  readonly password?: string;
}

/** The same for an address that has no account. */
const BY_MAIL =
  ' If there is an account with this address, a link that ends the pause at once has been mailed to it.';

function explain(failure: SignInFailure, email: string): FieldErrors {
  switch (failure.kind) {
    case 'invalid-credentials':
      return {
        title: 'You are not signed in',
        text: 'The e-mail address or the password is not right.',
        password: 'Check the address, and enter the password again.',
      };
    case 'incomplete':
      return {
        title: 'You are not signed in',
        text: 'Both the e-mail address and the password are needed.',
        ...(email === '' ? { email: 'Enter your e-mail address.' } : {}),
        password: 'Enter your password.',
      };
    case 'too-many-attempts':
      return {
        title: 'Too many attempts',
        text: `For your protection, signing in is paused. Try again in ${waitingTime(failure.retryAfterSeconds)}.${failure.byMail ? BY_MAIL : ''}`,
      };
    case 'form-expired':
      return {
        title: 'This form was open for too long',
        text: 'Nothing has been sent. Enter your password and sign in again.',
        password: 'Enter your password.',
      };
    case 'passkey-refused':
      return {
        title: 'You are not signed in',
        text: 'This passkey was not accepted: it may have been removed from the account. Try again, or use your password.',
      };
    case 'second-step-ended':
      return {
        title: 'Start again',
        text: 'The second step took too long, or was wrong too often. Enter your password again.',
        password: 'Enter your password.',
      };
  }
}

function DemonstrationAccounts({ emails, returnTo }: { emails: readonly string[]; returnTo: string }): VNode {
  return (
    <section class="card card-hint" aria-labelledby="demonstration">
      <h2 id="demonstration">Demonstration accounts</h2>
      <p class="muted">Their password was printed where the server was started.</p>
      <ul class="account-list">
        {emails.map((email) => (
          <li key={email}>
            <a href={queryHref('/sign-in', { login_hint: email, return_to: returnTo })}>{email}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function SignInView({
  csrfToken,
  returnTo,
  email = '',
  message,
  failure,
  demonstrationAccounts = [],
  registrationIsOpen = false,
}: SignInProps): VNode {
  const errors = failure && explain(failure, email);
  const focus =
    errors?.email !== undefined || (errors?.password === undefined && email === '') ? 'email' : 'password';
  return (
    <Layout title={errors ? `Error: ${errors.title}` : 'Sign in'} passkeys>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">Sign in</h1>
        {message !== undefined && <p class="lead">{message}</p>}
        {errors && (
          <ErrorSummary
            id="sign-in-error"
            title={errors.title}
            toField={errors.email !== undefined || errors.password !== undefined}
          >
            {errors.text}
          </ErrorSummary>
        )}
        <form method="post" action="/sign-in" {...(errors ? { 'aria-describedby': 'sign-in-error' } : {})}>
          <HiddenFields csrfToken={csrfToken} returnTo={returnTo} />
          <Field
            name="email"
            label="E-mail address"
            type="email"
            autocomplete="username webauthn"
            value={email}
            error={errors?.email}
            autofocus={focus === 'email'}
          />
          <Field
            name="password"
            label="Password"
            type="password"
            autocomplete="current-password"
            error={errors?.password}
            autofocus={focus === 'password'}
          />
          <button class="button button-primary button-block" type="submit">
            Sign in
          </button>
        </form>
        <PasskeyForm
          ceremony="get"
          action="/sign-in/passkey"
          csrfToken={csrfToken}
          returnTo={returnTo}
          refusedAt="/sign-in"
          autofill
        >
          <button class="button button-block" type="submit">
            Sign in with a passkey
          </button>
        </PasskeyForm>
        <p class="small muted card-links">
          <a href="/forgot-password">Forgotten your password?</a>
          {registrationIsOpen && <a href="/register">Make an account</a>}
        </p>
      </section>
      {demonstrationAccounts.length > 0 && (
        <DemonstrationAccounts emails={demonstrationAccounts} returnTo={returnTo} />
      )}
    </Layout>
  );
}
