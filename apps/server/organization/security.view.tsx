import type { VNode } from 'preact';
import type { SecondFactorRule, SessionLimits } from '#sessions';
import { queryHref } from '../pages/links.js';
import { FormOf, TextField } from './fields.js';
import type { Frame } from './frame.js';
import { limitErrors, typedLimits, type TypedLimits } from './typed-limits.js';

/** How people sign in who act for an organization. */
export interface Security {
  readonly rule: SecondFactorRule;
  readonly limits: SessionLimits;
  /** Whether whoever looks has a second factor. */
  readonly ownFactor: boolean;
  readonly deployment: { readonly sessionIdleSeconds: number; readonly sessionAbsoluteSeconds: number };
}

interface SecurityProps {
  readonly frame: Frame;
  readonly security: Security;
  /** What was refused. */
  readonly typed?: TypedLimits | undefined;
}

function reach({ people, without }: SecondFactorRule): string {
  if (without === 0) return people === 1 ? 'The only member has one.' : `All ${people} members have one.`;
  return `${without} of ${people} members ${without === 1 ? 'has' : 'have'} none yet.`;
}

export function SecondFactor({ frame, security: { rule, ownFactor } }: SecurityProps): VNode {
  const { name } = frame.organization;
  return (
    <section class="panel" aria-labelledby="second-factor">
      <h2 id="second-factor">Second factor</h2>
      <p>
        {rule.required
          ? `Who acts for ${name} needs a passkey or an authenticator app beside the password.`
          : `A password is enough to act for ${name}; nobody needs a second factor.`}
      </p>
      <p class="muted">
        {rule.without === 0 ? reach(rule) : <a href="/organization/people">{reach(rule)}</a>}
        {rule.without > 0 &&
          (rule.required
            ? ' Whoever has none adds one before acting for the organization.'
            : ' With the rule they add one before they next act for the organization; what applications do there in their name ends at once.')}
      </p>
      {rule.required || ownFactor ? (
        <form method="post" action="/organization/settings/second-factor">
          <FormOf frame={frame} />
          <input type="hidden" name="required" value={rule.required ? 'no' : 'yes'} />
          <button class={rule.required ? 'button' : 'button button-primary'} type="submit">
            {rule.required ? 'Let a password be enough' : 'Ask for a second factor'}
          </button>
        </form>
      ) : (
        <>
          <p>You have none yourself: add one first, then ask the others for theirs.</p>
          <p>
            <a class="button" href={queryHref('/account/security', { return_to: '/organization/settings' })}>
              Add a second factor
            </a>
          </p>
        </>
      )}
    </section>
  );
}

export function Sessions({ frame, security, typed }: SecurityProps): VNode {
  const shown = typed ?? typedLimits(security.limits);
  const errors = typed && limitErrors(typed, security.deployment);
  const { sessionIdleSeconds: idle, sessionAbsoluteSeconds: absolute } = security.deployment;
  return (
    <section class="panel" aria-labelledby="sessions">
      <h2 id="sessions">Sessions</h2>
      <p class="muted">
        {`How long a sign-in lasts for who acts for ${frame.organization.name}. It can be shorter than elsewhere, not longer; sessions that there are end by it too.`}
      </p>
      <form method="post" action="/organization/settings/sessions">
        <FormOf frame={frame} />
        <TextField
          id="idle"
          name="idle_minutes"
          label="Minutes without use"
          hint={hintOf(idle)}
          maxLength={6}
          value={shown.idle}
          error={errors?.idle}
        />
        <TextField
          id="absolute"
          name="absolute_minutes"
          label="Minutes in any case"
          hint={hintOf(absolute)}
          maxLength={6}
          value={shown.absolute}
          error={errors?.absolute}
        />
        <button class="button button-primary" type="submit">
          Save
        </button>
      </form>
    </section>
  );
}

function hintOf(seconds: number): string {
  const most = Math.floor(seconds / 60);
  return `From 5 to ${most}; left empty, ${most} as everywhere.`;
}
