import type { VNode } from 'preact';
import type { FormFailure } from '../pages/form-failure.js';
import { Field } from '../pages/form.js';
import type { Account } from '../pages/layout.js';
import { AccountForm } from './account-form.js';

interface ProfileProps {
  readonly account: Account;
  /** What was typed, or is so. */
  readonly name: string;
  readonly failure?: FormFailure | undefined;
}

export function ProfileView({ account, name, failure }: ProfileProps): VNode {
  return (
    <AccountForm
      path="/account/profile"
      title="Change your name"
      lead="Your organizations and the applications that you use see it."
      action="/account/profile"
      failure={failure}
      account={account}
      button="Change the name"
      after={
        <p class="small">
          <a href="/account">Back to your account</a>
        </p>
      }
    >
      <Field
        name="name"
        label="Name"
        type="text"
        autocomplete="name"
        value={name}
        error={failure?.fields?.['name']}
        autofocus
      />
    </AccountForm>
  );
}
