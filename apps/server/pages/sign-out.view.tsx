import type { VNode } from 'preact';
import { HiddenFields } from './form.js';
import { Layout } from './layout.js';

/** OpenID Connect RP-Initiated Logout 1.0 §2: without a valid hint the person is asked first. */
interface SignOutProps {
  readonly csrfToken: string;
  readonly person: { readonly name: string; readonly email: string };
  /** Name of the application that asked for it, when it is known. */
  readonly application?: string | undefined;
  /** Parameters of the logout request to carry along, e.g. `state`. */
  readonly parameters: Readonly<Record<string, string>>;
}

export function SignOutView({ csrfToken, person, application, parameters }: SignOutProps): VNode {
  return (
    <Layout title="Sign out?">
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">Sign out?</h1>
        <p class="lead">
          {application === undefined ? 'This ends your session' : `${application} asks to end your session`}{' '}
          here and in every module that you have open.
        </p>
        <dl class="facts">
          <div>
            <dt>Signed in as</dt>
            <dd>
              {person.name} <span class="muted">{person.email}</span>
            </dd>
          </div>
        </dl>
        <form class="actions" method="post" action="/sign-out">
          <HiddenFields csrfToken={csrfToken} />
          {Object.entries(parameters).map(([name, value]) => (
            <input key={name} type="hidden" name={name} value={value} />
          ))}
          <button class="button button-primary" type="submit">
            Sign out everywhere
          </button>
          <a class="button" href="/">
            Stay signed in
          </a>
        </form>
      </section>
    </Layout>
  );
}
