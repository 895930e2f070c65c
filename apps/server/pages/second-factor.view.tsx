import type { VNode } from 'preact';
import { CodeField } from './code-field.js';
import { ErrorSummary, HiddenFields, type FormProps } from './form.js';
import { Layout } from './layout.js';
import { PasskeyForm } from './passkey-form.js';
import { waitingTime } from './waiting.js';

export type Method = 'totp' | 'passkey' | 'recovery-code';

/** Why the last try did not sign in. */
export type SecondFactorFailure =
  | { readonly kind: 'wrong'; readonly method: Method }
  | { readonly kind: 'locked'; readonly retryAfterSeconds: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'form-expired' };

interface SecondFactorProps extends FormProps {
  readonly email: string;
  /** What this person has. */
  readonly methods: readonly Method[];
  readonly failure?: SecondFactorFailure | undefined;
}

const WRONG: Readonly<Record<Method, string>> = {
  totp: 'Enter the code that the app shows now. A code works once; wait for the next one if it has been used.',
  'recovery-code': 'Compare it with your list. Each recovery code works once.',
  passkey: 'This passkey was not accepted. Try again, or use another way.',
};

function explain(failure: SecondFactorFailure): { title: string; text: string } {
  switch (failure.kind) {
    case 'wrong':
      return {
        title: 'You are not signed in yet',
        text: failure.method === 'passkey' ? WRONG.passkey : 'The code is not right.',
      };
    case 'locked': {
      const wait = waitingTime(failure.retryAfterSeconds);
      return {
        title: 'Too many wrong codes',
        text: `For your protection, the second step is paused. Try again in ${wait}.`,
      };
    }
    case 'closed':
      return {
        title: 'Too many wrong codes',
        text: 'Codes of the authenticator app are not taken any more. Use a passkey or a recovery code, choose a new password by mail, or ask whoever runs this service.',
      };
    case 'form-expired':
      return { title: 'This form was open for too long', text: 'Nothing has been sent. Try once more.' };
  }
}

function isRecovering(failure: SecondFactorFailure | undefined): boolean {
  return failure?.kind === 'wrong' && failure.method === 'recovery-code';
}

function CodeForm({
  method,
  label,
  button,
  props,
}: {
  method: 'totp' | 'recovery-code';
  label: string;
  button: string;
  props: SecondFactorProps;
}): VNode {
  const { csrfToken, returnTo, failure } = props;
  const wrong = failure?.kind === 'wrong' && failure.method === method;
  const recovering = isRecovering(failure);
  return (
    <form method="post" action="/sign-in/second-factor">
      <HiddenFields csrfToken={csrfToken} returnTo={returnTo} />
      <input type="hidden" name="method" value={method} />
      <CodeField
        id={method}
        label={label}
        kind={method === 'totp' ? 'one-time' : 'recovery'}
        autofocus={wrong || (method === 'totp' && !recovering)}
        {...(wrong ? { error: WRONG[method] } : {})}
      />
      {method === 'totp' && <Remember id="remember-totp" />}
      <button class="button button-primary button-block" type="submit">
        {button}
      </button>
    </form>
  );
}

/** The choice of each way: whether this browser stands for the factor the next times. */
function Remember({ id }: { id: string }): VNode {
  return (
    <label class="check" for={id}>
      <input id={id} type="checkbox" name="remember" value="on" />
      Do not ask again in this browser for 30 days
    </label>
  );
}

/** The second step: what more than the password the account has. */
export function SecondFactorView(props: SecondFactorProps): VNode {
  const { csrfToken, returnTo, email, methods, failure } = props;
  const error = failure && explain(failure);
  return (
    <Layout title={error ? `Error: ${error.title}` : 'Second step'} passkeys={methods.includes('passkey')}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">Second step</h1>
        <p class="lead">
          The password of {email} was right. Show that it is you by one more thing that you have.
        </p>
        {error && (
          <ErrorSummary
            id="second-factor-error"
            title={error.title}
            toField={failure.kind === 'wrong' && failure.method !== 'passkey'}
          >
            {error.text}
          </ErrorSummary>
        )}
        {methods.includes('totp') && (
          <CodeForm method="totp" label="Code of your authenticator app" button="Continue" props={props} />
        )}
        {methods.includes('passkey') && (
          <PasskeyForm
            ceremony="get"
            action="/sign-in/second-factor"
            csrfToken={csrfToken}
            returnTo={returnTo}
            refusedAt="/sign-in/second-factor"
          >
            <input type="hidden" name="method" value="passkey" />
            <Remember id="remember-passkey" />
            <button
              class={`button button-block${methods.includes('totp') ? '' : ' button-primary'}`}
              type="submit"
            >
              Use a passkey
            </button>
          </PasskeyForm>
        )}
        {methods.includes('passkey') && (
          <noscript>
            <p class="small muted">A passkey needs JavaScript, which is switched off in this browser.</p>
          </noscript>
        )}
        {methods.includes('recovery-code') && (
          <details class="other-way" open={isRecovering(failure)}>
            <summary>Use a recovery code instead</summary>
            <CodeForm
              method="recovery-code"
              label="Recovery code"
              button="Use the recovery code"
              props={props}
            />
          </details>
        )}
        <p class="small muted">
          Have you lost all that is asked for here? Ask whoever runs this service, who can remove it from your
          account.
        </p>
        <p class="small muted">
          <a href="/sign-in">Sign in as somebody else</a>
        </p>
      </section>
    </Layout>
  );
}
