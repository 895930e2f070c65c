import type { VNode } from 'preact';
import { FormPage, type FormCardProps } from './form-page.js';
import { Field } from './form.js';

interface AskAddressProps extends Omit<FormCardProps, 'button' | 'children'> {
  readonly email: string;
  readonly autocomplete: 'email' | 'username';
}

/** A page that asks for an address, to which a mail with a link goes. */
export function AskAddress({ email, autocomplete, ...page }: AskAddressProps): VNode {
  return (
    <FormPage {...page} button="Send the mail">
      <Field
        name="email"
        label="E-mail address"
        type="email"
        autocomplete={autocomplete}
        value={email}
        error={page.failure?.fields?.['email']}
        autofocus
      />
    </FormPage>
  );
}
