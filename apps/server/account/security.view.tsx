import type { VNode } from 'preact';
import { shortestPassword } from '#accounts';
import { MOST_FACTORS, type FactorList, type Passkey, type Removal, type TotpFactor } from '#sessions';
import { DoneNotice, ErrorSummary, HiddenFields } from '../pages/form.js';
import { Icon } from '../pages/icons.js';
import type { Account } from '../pages/layout.js';
import { queryHref } from '../pages/links.js';
import { Moment } from '../pages/moment.js';
import { PasskeyForm } from '../pages/passkey-form.js';
import { AccountLayout } from './account-layout.js';
import { EndElsewhere } from './end-elsewhere.js';

/** Why the last act did not happen. */
export type SecurityProblem =
  | Exclude<Removal, { readonly kind: 'removed' }>
  | { readonly kind: 'passkey-refused' | 'passkey-too-many' | 'no-factor' }
  | { readonly kind: 'name'; readonly id: string | undefined; readonly typed: string };

/** What has just been done. */
export type SecurityDone = 'totp-removed' | 'passkey-removed' | 'passkey-renamed';

interface SecurityProps {
  readonly account: Account;
  readonly factors: FactorList;
  /** Where the person was going when something asked for a second factor. */
  readonly returnTo?: string | undefined;
  readonly problem?: SecurityProblem | undefined;
  readonly done?: SecurityDone | undefined;
  /** Whether the person is signed in elsewhere too, where a factor was changed just now. */
  readonly elsewhere?: boolean;
}

const DONE: Readonly<Record<SecurityDone, string>> = {
  'totp-removed': 'The authenticator app was removed.',
  'passkey-removed': 'The passkey was removed.',
  'passkey-renamed': 'The passkey was renamed.',
};

const NAME_RULE = 'Give it a name of 1 to 60 characters, such as “Work laptop”.';

function sentence(problem: SecurityProblem): string {
  switch (problem.kind) {
    case 'unknown':
      return 'It is not there any more. It may have been removed in another window.';
    case 'only-way-in':
      return 'This passkey is the only way into your account. Set a password or add another passkey before you remove it.';
    case 'short-password':
      return `Your password has fewer than ${shortestPassword()} characters, which is enough only beside a second factor, and this is your last one. Choose a longer password under “Password” before you remove it.`;
    case 'perhaps-short-password':
      return `Your password may have fewer than ${shortestPassword()} characters, which is enough only beside a second factor, and this is your last one. Sign out and sign in with it, so that its length is known, or choose a longer one under “Password” before you remove it.`;
    case 'required': {
      const names = problem.organizations.join(' and ');
      return `${names} asks its members for a second factor, and this is your last one. Add another before you remove it.`;
    }
    case 'passkey-refused':
      return 'The passkey could not be added: it came too late or was not verified. Try again.';
    case 'passkey-too-many':
      return `The passkey could not be added: it is in use already, or you have ${MOST_FACTORS}. Remove one that you do not use.`;
    case 'no-factor':
      return 'Recovery codes stand in for a second factor. Add a passkey or an authenticator app first.';
    case 'name':
      return NAME_RULE;
  }
}

function Used({ factor }: { factor: Pick<TotpFactor, 'createdAt' | 'lastUsedAt'> }): VNode {
  return (
    <p class="muted small">
      Added <Moment at={factor.createdAt} />
      {factor.lastUsedAt ? (
        <>
          , last used <Moment at={factor.lastUsedAt} />
        </>
      ) : (
        ', not used yet'
      )}
    </p>
  );
}

function Remove({ action, what, csrfToken }: { action: string; what: string; csrfToken: string }): VNode {
  return (
    <details class="other-way">
      <summary>Remove {what}</summary>
      <form method="post" action={action}>
        <HiddenFields csrfToken={csrfToken} />
        <p class="small">It cannot be used to sign in after that.</p>
        <button class="button" type="submit">
          Remove it for good
        </button>
      </form>
    </details>
  );
}

function Totp({ account, factors, returnTo }: SecurityProps): VNode {
  const { totp } = factors;
  return (
    <section class="panel" aria-labelledby="totp">
      <h2 id="totp">Authenticator app</h2>
      <p class="muted">An app on your telephone shows a code that changes every 30 seconds.</p>
      {totp && <Used factor={totp} />}
      <p>
        <a class="button" href={queryHref('/account/security/totp', { return_to: returnTo })}>
          {totp ? 'Set up another app in its place' : 'Set up an authenticator app'}
        </a>
      </p>
      {totp && (
        <Remove
          action="/account/security/totp/remove"
          what="the authenticator app"
          csrfToken={account.csrfToken}
        />
      )}
    </section>
  );
}

function PasskeyItem({
  passkey,
  csrfToken,
  problem,
}: {
  passkey: Passkey;
  csrfToken: string;
  problem: SecurityProblem | undefined;
}): VNode {
  const action = `/account/security/passkeys/${passkey.id}`;
  const wrong = problem?.kind === 'name' && problem.id === passkey.id ? problem : undefined;
  const errorId = `${passkey.id}-error`;
  return (
    <li class="factor">
      <h3>
        {passkey.name} {passkey.synced && <span class="badge">Synced</span>}
      </h3>
      <Used factor={passkey} />
      <details class="other-way" open={wrong !== undefined}>
        <summary>Rename {passkey.name}</summary>
        <form method="post" action={`${action}/rename`}>
          <HiddenFields csrfToken={csrfToken} />
          <div class="field">
            <label for={passkey.id}>New name</label>
            <input
              id={passkey.id}
              name="name"
              type="text"
              autocomplete="off"
              required
              maxLength={60}
              value={wrong?.typed ?? passkey.name}
              {...(wrong ? { 'aria-invalid': 'true' as const, 'aria-describedby': errorId } : {})}
            />
            {wrong && (
              <p class="field-error" id={errorId}>
                <Icon name="warning" />
                {NAME_RULE}
              </p>
            )}
          </div>
          <button class="button" type="submit">
            Rename
          </button>
        </form>
      </details>
      <Remove action={`${action}/remove`} what={passkey.name} csrfToken={csrfToken} />
    </li>
  );
}

function AddPasskey({ account, returnTo, problem }: SecurityProps): VNode {
  const wrong = problem?.kind === 'name' && problem.id === undefined ? problem : undefined;
  return (
    <PasskeyForm
      ceremony="create"
      action="/account/security/passkeys"
      csrfToken={account.csrfToken}
      refusedAt={queryHref('/step-up', {
        return_to: queryHref('/account/security', { return_to: returnTo }),
      })}
      returnTo={returnTo ?? '/account/security'}
    >
      <div class="field">
        <label for="passkey-name">Name of the new passkey</label>
        <input
          id="passkey-name"
          name="name"
          type="text"
          autocomplete="off"
          required
          maxLength={60}
          placeholder="Work laptop"
          value={wrong?.typed ?? ''}
          {...(wrong ? { 'aria-invalid': 'true' as const, 'aria-describedby': 'passkey-name-error' } : {})}
        />
        {wrong && (
          <p class="field-error" id="passkey-name-error">
            <Icon name="warning" />
            {NAME_RULE}
          </p>
        )}
      </div>
      <button class="button" type="submit">
        Add a passkey
      </button>
    </PasskeyForm>
  );
}

function Passkeys(props: SecurityProps): VNode {
  const { passkeys } = props.factors;
  return (
    <section class="panel" aria-labelledby="passkeys">
      <h2 id="passkeys">Passkeys</h2>
      <p class="muted">
        Your device or a security key signs you in, by your fingerprint, face or PIN: without a password, or
        after it.
      </p>
      {passkeys.length > 0 && (
        <ul class="factor-list">
          {passkeys.map((passkey) => (
            <PasskeyItem
              key={passkey.id}
              passkey={passkey}
              csrfToken={props.account.csrfToken}
              problem={props.problem}
            />
          ))}
        </ul>
      )}
      <AddPasskey {...props} />
      <noscript>
        <p class="small muted">
          A passkey needs JavaScript, which is switched off in this browser. An authenticator app works
          without.
        </p>
      </noscript>
    </section>
  );
}

function RecoveryCodes({ account, factors }: SecurityProps): VNode {
  const { totp, passkeys, recoveryCodesLeft: left } = factors;
  return (
    <section class="panel" aria-labelledby="recovery-codes">
      <h2 id="recovery-codes">Recovery codes</h2>
      <p class="muted">For when you have lost everything else. Each works once.</p>
      {totp || passkeys.length > 0 ? (
        <>
          <p>{left === 0 ? 'You have none left.' : `You have ${left} left.`}</p>
          <form method="post" action="/account/security/recovery-codes">
            <HiddenFields csrfToken={account.csrfToken} />
            {left > 0 && <p class="small">New ones take the place of all that you have.</p>}
            <button class="button" type="submit">
              Make new recovery codes
            </button>
          </form>
        </>
      ) : (
        <p class="small">They come with your first passkey or authenticator app.</p>
      )}
    </section>
  );
}

/** What a person signs in with. */
export function SecurityView(props: SecurityProps): VNode {
  const { account, problem, done, elsewhere = false } = props;
  return (
    <AccountLayout
      title={problem ? 'Error: Sign-in and security' : 'Sign-in and security'}
      path="/account/security"
      account={account}
      passkeys
    >
      <h1>Sign-in and security</h1>
      {problem && (
        <ErrorSummary id="security-error" title="Nothing was changed">
          {sentence(problem)}
        </ErrorSummary>
      )}
      {done && (
        <DoneNotice>
          <Icon name="check" />
          {DONE[done]}
        </DoneNotice>
      )}
      {elsewhere && <EndElsewhere csrfToken={account.csrfToken} />}
      <div class="panels">
        <Passkeys {...props} />
        <Totp {...props} />
        <RecoveryCodes {...props} />
      </div>
    </AccountLayout>
  );
}
