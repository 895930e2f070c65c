import type { VNode } from 'preact';
import { HiddenFields, type FormProps } from './form.js';
import { Icon } from './icons.js';
import { Layout, PRODUCT_NAME } from './layout.js';
import { scopeDescriptions } from './scope-descriptions.js';

interface ConsentProps extends FormProps {
  readonly client: {
    readonly name: string;
    /** Host of the redirect URI: where the answer goes, whatever name the client gives itself. */
    readonly host: string;
    readonly firstParty: boolean;
  };
  readonly person: { readonly name: string; readonly email: string };
  readonly organization: { readonly name: string };
  /** The `scope` asked for, separated by spaces. */
  readonly scope: string;
  /** Module key → name, for scopes such as `projects:read`. */
  readonly moduleNames?: ReadonlyMap<string, string> | undefined;
}

export function ConsentView(props: ConsentProps): VNode {
  const { client, person, organization } = props;
  return (
    <Layout title={`Allow ${client.name}?`}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">
          Allow <span class="name">{client.name}</span> to use your account?
        </h1>
        <dl class="facts">
          <div>
            <dt>Application</dt>
            <dd>
              {client.name}
              {!client.firstParty && <span class="muted"> at {client.host}</span>}
            </dd>
          </div>
          <div>
            <dt>Your account</dt>
            <dd>
              {person.name} <span class="muted">{person.email}</span>
            </dd>
          </div>
          <div>
            <dt>Organization</dt>
            <dd>{organization.name}</dd>
          </div>
        </dl>
        <h2 class="subheading">It asks to</h2>
        <ul class="check-list">
          {scopeDescriptions(props.scope, props.moduleNames).map(({ scope, summary }) => (
            <li key={scope}>
              <Icon name="check" />
              <span>{summary}</span>
            </li>
          ))}
        </ul>
        {!client.firstParty && (
          <div class="notice">
            <p>
              {PRODUCT_NAME} does not run <strong>{client.host}</strong>. Allow this only if you know the
              application and started from it.
            </p>
          </div>
        )}
        <form class="actions" method="post" action="/consent">
          <HiddenFields csrfToken={props.csrfToken} returnTo={props.returnTo} />
          <button class="button button-primary" type="submit" name="decision" value="allow">
            Allow
          </button>
          <button class="button" type="submit" name="decision" value="deny">
            Deny
          </button>
        </form>
        <p class="small muted">Your password is never shared with the application.</p>
      </section>
    </Layout>
  );
}
