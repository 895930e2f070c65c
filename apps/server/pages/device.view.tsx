import type { VNode } from 'preact';
import { ErrorSummary, HiddenFields } from './form.js';
import { Icon } from './icons.js';
import { Layout, PRODUCT_NAME, type Account } from './layout.js';
import { queryHref } from './links.js';
import { scopeDescriptions } from './scope-descriptions.js';
import { waitingTime } from './waiting.js';

/** Why the code was not taken. One that is unknown, expired or used is not told apart (RFC 8628 §5.1). */
export type UserCodeFailure =
  | { readonly kind: 'missing' | 'wrong-code' | 'form-expired' }
  | { readonly kind: 'too-many-codes'; readonly retryAfterSeconds: number };

interface DeviceProps {
  readonly account: Account;
  /** As it was typed, or as the address brought it. */
  readonly userCode?: string | undefined;
  readonly failure?: UserCodeFailure | undefined;
}

interface ErrorText {
  readonly title: string;
  readonly text: string;
}

function explain(failure: UserCodeFailure): ErrorText {
  switch (failure.kind) {
    case 'missing':
      return { title: 'The code is missing', text: 'Enter the code that your device shows.' };
    case 'wrong-code':
      return {
        title: 'This code does not work',
        text: 'It is mistyped, has expired or was used before. Compare it with your device, or start again there.',
      };
    case 'form-expired':
      return { title: 'This form was open for too long', text: 'Nothing has been sent. Continue once more.' };
    case 'too-many-codes': {
      const wait = waitingTime(failure.retryAfterSeconds);
      return {
        title: 'Too many wrong codes',
        text: `For your protection, entering codes is paused. Try again in ${wait}.`,
      };
    }
  }
}

/** Where a person brings the code that a device shows (RFC 8628 §3.3). */
export function DeviceView({ account, userCode, failure }: DeviceProps): VNode {
  const error = failure && explain(failure);
  const wrong = failure?.kind === 'missing' || failure?.kind === 'wrong-code';
  return (
    <Layout title={error ? `Error: ${error.title}` : 'Connect a device'} account={account}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">Connect a device</h1>
        <p class="lead">Enter the code that your device shows.</p>
        {error && (
          <ErrorSummary id="device-error" title={error.title} toField={wrong}>
            {error.text}
          </ErrorSummary>
        )}
        <form method="post" action="/device">
          <HiddenFields csrfToken={account.csrfToken} />
          <div class="field">
            <label for="user_code">Code</label>
            <input
              id="user_code"
              class="user-code"
              name="user_code"
              type="text"
              autocomplete="off"
              autocapitalize="characters"
              spellcheck={false}
              required
              maxLength={24}
              autofocus
              placeholder="XXXX-XXXX"
              {...(userCode === undefined ? {} : { value: userCode })}
              {...(error ? { 'aria-describedby': 'device-error' } : {})}
              {...(wrong ? { 'aria-invalid': 'true' as const } : {})}
            />
          </div>
          <button class="button button-primary button-block" type="submit">
            Continue
          </button>
        </form>
        <p class="small muted">
          Only enter a code that you see on a device in front of you. {PRODUCT_NAME} never sends codes.
        </p>
      </section>
    </Layout>
  );
}

interface ConfirmDeviceProps {
  readonly account: Account;
  /** `XXXX-XXXX` */
  readonly userCode: string;
  readonly client: {
    readonly name: string;
    /** Of the application's own page, when it is known and the application is not ours. */
    readonly host?: string | undefined;
    readonly firstParty: boolean;
  };
  /** None for who belongs to none, whose own account is asked for. */
  readonly organization: { readonly id: string; readonly name: string } | undefined;
  readonly hasOtherOrganizations: boolean;
  /** The `scope` that would be granted, separated by spaces. */
  readonly scope: string;
  /** Module key → name, for scopes such as `projects:read`. */
  readonly moduleNames?: ReadonlyMap<string, string> | undefined;
  readonly secondsAgo: number;
}

function ago(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return 'Less than a minute ago';
  return minutes === 1 ? '1 minute ago' : `${minutes} minutes ago`;
}

function Facts(props: ConfirmDeviceProps): VNode {
  const { account, userCode, client, organization } = props;
  return (
    <dl class="facts">
      <div>
        <dt>Application</dt>
        <dd>
          {client.name}
          {client.host !== undefined && <span class="muted"> at {client.host}</span>}
        </dd>
      </div>
      <div>
        <dt>Started</dt>
        <dd>{ago(props.secondsAgo)}</dd>
      </div>
      <div>
        <dt>Your account</dt>
        <dd>
          {account.name} <span class="muted">{account.email}</span>
        </dd>
      </div>
      <div>
        <dt>Organization</dt>
        <dd>
          {organization?.name ?? 'None: this is about your own account'}
          {props.hasOtherOrganizations && (
            <>
              {' '}
              <a
                class="small"
                href={queryHref('/choose-organization', {
                  return_to: queryHref('/device', { user_code: userCode }),
                })}
              >
                Choose another
              </a>
            </>
          )}
        </dd>
      </div>
    </dl>
  );
}

/** RFC 8628 §3.3, §3.3.1, §5.4: the person compares the code, sees who asks for what, and decides. */
export function ConfirmDeviceView(props: ConfirmDeviceProps): VNode {
  const { account, userCode, client, organization } = props;
  return (
    <Layout title={`Connect ${client.name}?`} account={account}>
      <section class="card" aria-labelledby="heading">
        <h1 id="heading">
          Connect <span class="name">{client.name}</span> to your account?
        </h1>
        <div class="code-check">
          <p class="small muted" id="code-label">
            Your device must show this code
          </p>
          <p class="user-code user-code-shown" aria-labelledby="code-label">
            {userCode}
          </p>
        </div>
        <Facts {...props} />
        <h2 class="subheading">It asks to</h2>
        <ul class="check-list">
          {scopeDescriptions(props.scope, props.moduleNames).map(({ scope, summary }) => (
            <li key={scope}>
              <Icon name="check" />
              <span>{summary}</span>
            </li>
          ))}
        </ul>
        <div class="notice notice-warning">
          <Icon name="warning" />
          <div>
            <p class="notice-title">Did somebody send you this code or link?</p>
            <p>
              Then deny. Whoever holds the device gets this access to your account. Approve only if you
              started this yourself and see the code on your own device.
              {!client.firstParty && ` ${PRODUCT_NAME} does not run this application.`}
            </p>
          </div>
        </div>
        <form class="actions" method="post" action="/device">
          <HiddenFields csrfToken={account.csrfToken} />
          <input type="hidden" name="user_code" value={userCode} />
          {organization && <input type="hidden" name="organization_id" value={organization.id} />}
          <button class="button button-primary" type="submit" name="decision" value="approve">
            Approve
          </button>
          <button class="button" type="submit" name="decision" value="deny">
            Deny
          </button>
        </form>
      </section>
    </Layout>
  );
}

export function DeviceResultView({ account, approved }: { account: Account; approved: boolean }): VNode {
  return (
    <Layout title={approved ? 'Device connected' : 'Device not connected'} account={account}>
      <section class="card" aria-labelledby="heading">
        <span class={approved ? 'emblem emblem-good' : 'emblem'}>
          <Icon name={approved ? 'check' : 'cross'} />
        </span>
        <h1 id="heading">{approved ? 'Your device is connected' : 'Your device was not connected'}</h1>
        <p class="lead">
          {approved
            ? 'Go back to it: it continues by itself within a few seconds.'
            : 'It gets no access to your account. You can close this page.'}
        </p>
        <div class="actions">
          <a class="button button-primary" href="/">
            Go to the launcher
          </a>
          <a class="button" href="/device">
            {approved ? 'Connect another device' : 'Enter a code again'}
          </a>
        </div>
      </section>
    </Layout>
  );
}
