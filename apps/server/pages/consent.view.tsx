import type { VNode } from 'preact';
import { HiddenFields, type FormProps } from './form.js';
import { Icon } from './icons.js';
import { Layout, PRODUCT_NAME } from './layout.js';
import { scopeDescriptions } from './scope-descriptions.js';

interface ConsentProps extends FormProps {
  readonly client: {
    readonly name: string;
    readonly firstParty: boolean;
    /** Host of the document that describes the client, when nothing but that vouches for it. */
    readonly publisher?: string;
    /** Whom the answer goes to, whatever name the client gives itself: a host, or the scheme of an application. */
    readonly destination: string;
    /** The answer goes to a program on the person's own computer. */
    readonly loopback: boolean;
  };
  readonly person: { readonly name: string; readonly email: string };
  /** None for who belongs to none, whose own account is asked for. */
  readonly organization: { readonly id: string; readonly name: string } | undefined;
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
              {!client.firstParty && !client.publisher && !client.loopback && (
                <span class="muted"> at {client.destination}</span>
              )}
            </dd>
          </div>
          {client.publisher && (
            <div>
              <dt>Comes from</dt>
              <dd>
                <strong>{client.publisher}</strong>
              </dd>
            </div>
          )}
          <div>
            <dt>Your account</dt>
            <dd>
              {person.name} <span class="muted">{person.email}</span>
            </dd>
          </div>
          <div>
            <dt>Organization</dt>
            <dd>{organization?.name ?? 'None: this is about your own account'}</dd>
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
        {!client.firstParty && <Warning {...client} />}
        <form class="actions" method="post" action="/consent">
          <HiddenFields csrfToken={props.csrfToken} returnTo={props.returnTo} />
          {organization && <input type="hidden" name="organization_id" value={organization.id} />}
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

/** What stands behind an application that is none of ours, and where the answer would go. */
function Warning({ publisher, destination, loopback }: ConsentProps['client']): VNode {
  const host = publisher ?? (loopback ? undefined : destination);
  return (
    <>
      {host !== undefined && (
        <div class="notice">
          <p>
            {PRODUCT_NAME} does not run <strong>{host}</strong>. Allow this only if you know the application
            and started from it.{' '}
            {host !== destination && !loopback && (
              <>
                The answer goes to <strong>{destination}</strong>.
              </>
            )}
          </p>
        </div>
      )}
      {loopback && (
        <div class="notice">
          <p>
            The answer goes to a program on your own computer, and any program can give itself this name.
            Allow this only if you have just started it yourself.
          </p>
        </div>
      )}
    </>
  );
}
