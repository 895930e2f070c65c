import type { VNode } from 'preact';
import { AskAddress } from './ask-address.js';
import type { FormFailure } from './form-failure.js';
import { FormPage } from './form-page.js';
import { Field } from './form.js';
import { NewPassword, UsernameFor } from './new-password.js';

interface RegisterProps {
  readonly csrfToken: string;
  readonly email?: string | undefined;
  readonly failure?: FormFailure | undefined;
}

export function RegisterView({ csrfToken, email = '', failure }: RegisterProps): VNode {
  return (
    <AskAddress
      title="Make an account"
      lead="Begin with your e-mail address. A mail with a link leads on."
      action="/register"
      csrfToken={csrfToken}
      email={email}
      autocomplete="email"
      failure={failure}
      after={
        <p class="small muted">
          You have an account? <a href="/sign-in">Sign in</a>
        </p>
      }
    />
  );
}

interface CompleteProps {
  readonly csrfToken: string;
  readonly token: string;
  readonly email: string;
  readonly name?: string | undefined;
  /** For the hint alone. */
  readonly password?: string | undefined;
  readonly failure?: FormFailure | undefined;
}

export function CompleteRegistrationView(props: CompleteProps): VNode {
  const { csrfToken, token, email, name = '', password, failure } = props;
  const errors = failure?.fields ?? {};
  const toPassword = name !== '' && errors['name'] === undefined;
  return (
    <FormPage
      title="Make an account"
      lead={
        <>
          For <strong>{email}</strong>, which you have proved to read.
        </>
      }
      action="/register/complete"
      csrfToken={csrfToken}
      failure={failure}
      button="Make the account"
    >
      <input type="hidden" name="token" value={token} />
      <UsernameFor email={email} />
      <Field
        name="name"
        label="Your name"
        type="text"
        autocomplete="name"
        value={name}
        error={errors['name']}
        autofocus={!toPassword}
      />
      <NewPassword
        label="Password"
        use={{ about: [email, name] }}
        sent={password}
        error={errors['password']}
        autofocus={toPassword}
      />
    </FormPage>
  );
}
