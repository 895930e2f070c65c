import type { VNode } from 'preact';
import { MOST_INVITATION_MAILS, MOST_INVITED_AT_ONCE, type CustomRole, type Invitation } from '#accounts';
import { LANDING } from '../pages/form.js';
import { Icon } from '../pages/icons.js';
import { queryHref } from '../pages/links.js';
import { Moment } from '../pages/moment.js';
import { roleName } from '../pages/roles.js';
import { Confirmed, FieldError, FormOf, SelectField } from './fields.js';
import type { Frame } from './frame.js';
import type { InviteResult } from './invitations.service.js';
import { OrganizationLayout } from './organization-layout.js';
import { roleChoices } from './role-choices.js';

/** A license with named seats, one of which can be kept for somebody. */
export interface SeatChoice {
  readonly id: string;
  readonly text: string;
}

export interface TypedInvitation {
  readonly addresses: string;
  readonly role: string | undefined;
  readonly licenseId: string | undefined;
  /** By field, as a sentence. */
  readonly problems: Readonly<Partial<Record<'addresses' | 'role' | 'license_id', string | undefined>>>;
}

export interface InvitationsProps {
  readonly frame: Frame;
  readonly invitations: readonly Invitation[];
  readonly next: string | undefined;
  readonly roles: readonly CustomRole[];
  readonly seats: readonly SeatChoice[];
  readonly typed?: TypedInvitation | undefined;
  /** What became of the lines that were just sent. */
  readonly results?: readonly InviteResult[] | undefined;
  readonly at: Date;
}

function Results({ results }: { results: readonly InviteResult[] }): VNode {
  const sent = results.filter(({ problem }) => problem === undefined).length;
  return (
    <section class="panel" aria-labelledby="results" role="status" {...LANDING}>
      <h2 id="results">
        {sent} of {results.length} invited
      </h2>
      <ul class="check-list">
        {results.map(({ text, problem }, index) => (
          <li key={index} {...(problem === undefined ? {} : { class: 'line-failed' })}>
            <Icon name={problem === undefined ? 'check' : 'warning'} />
            <span class="contact">
              <span>{text}</span>
              <span class="muted small">{problem ?? 'The invitation is on its way.'}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function InviteForm({ frame, roles, seats, typed }: InvitationsProps): VNode {
  const { addresses: problem, role: roleProblem, license_id: licenseProblem } = typed?.problems ?? {};
  const describedBy = problem === undefined ? 'addresses-hint' : 'addresses-hint addresses-error';
  return (
    <section class="panel" aria-labelledby="invite">
      <h2 id="invite">Invite people</h2>
      <form method="post" action="/organization/invitations">
        <FormOf frame={frame} />
        <div class="field">
          <label for="addresses">E-mail addresses</label>
          <p class="muted small" id="addresses-hint">
            One in each line, up to {MOST_INVITED_AT_ONCE}.
          </p>
          <textarea
            id="addresses"
            name="addresses"
            rows={4}
            autocapitalize="none"
            spellcheck={false}
            required
            aria-describedby={describedBy}
            {...(problem === undefined ? {} : { 'aria-invalid': 'true' as const })}
          >
            {typed?.addresses ?? ''}
          </textarea>
          {problem !== undefined && <FieldError id="addresses-error">{problem}</FieldError>}
        </div>
        <SelectField
          id="role"
          name="role"
          label="Role"
          value={typed?.role ?? 'member'}
          error={roleProblem}
          options={roleChoices(frame.organization.role, roles)}
        />
        {seats.length > 0 && (
          <SelectField
            id="license_id"
            name="license_id"
            label="Seat to keep"
            value={typed?.licenseId ?? ''}
            error={licenseProblem}
            options={[{ value: '', text: 'None' }, ...seats.map(({ id, text }) => ({ value: id, text }))]}
          />
        )}
        <button class="button button-primary" type="submit">
          Send invitations
        </button>
      </form>
    </section>
  );
}

function InvitationRow({
  frame,
  invitation,
  seats,
  at,
}: Pick<InvitationsProps, 'frame' | 'seats' | 'at'> & {
  invitation: Invitation;
}): VNode {
  const { id, email, role, customRole, licenseId, expiresAt, mailsSent } = invitation;
  const seat = seats.find((choice) => choice.id === licenseId);
  const expired = expiresAt <= at;
  return (
    <li class="item member">
      <span class="contact">
        <span class="member-name">{email}</span>
        <span class="muted small">
          {customRole?.name ?? roleName(role)}
          {licenseId !== null && `, with a seat of ${seat?.text ?? 'a license'}`}
        </span>
      </span>
      <span class="contact">
        <span>{expired ? 'Expired' : 'Open'}</span>
        <span class="muted small">
          {expired ? 'Since' : 'Until'} <Moment at={expiresAt} />
        </span>
      </span>
      <div class="member-acts">
        {mailsSent < MOST_INVITATION_MAILS ? (
          <form method="post" action={`/organization/invitations/${id}/resend`}>
            <FormOf frame={frame} />
            <button
              class="button button-quiet"
              type="submit"
              aria-label={`Send again the invitation to ${email}`}
            >
              Send again
            </button>
          </form>
        ) : (
          <span class="muted small">Sent {mailsSent} times</span>
        )}
        <Confirmed summary="Withdraw" label={`Withdraw the invitation of ${email}`}>
          <form method="post" action={`/organization/invitations/${id}/withdraw`}>
            <FormOf frame={frame} />
            <button class="button button-primary" type="submit">
              Withdraw
            </button>
          </form>
        </Confirmed>
      </div>
    </li>
  );
}

export function InvitationsView(props: InvitationsProps): VNode {
  const { frame, invitations, next, seats, results, at } = props;
  return (
    <OrganizationLayout frame={frame} path="/organization/invitations">
      {results && <Results results={results} />}
      <InviteForm {...props} />
      <section aria-labelledby="open">
        <h2 id="open">Not answered yet</h2>
        {invitations.length === 0 ? (
          <p class="muted">Nobody is invited at the moment.</p>
        ) : (
          <ul class="item-list console-list">
            {invitations.map((invitation) => (
              <InvitationRow key={invitation.id} {...{ frame, invitation, seats, at }} />
            ))}
          </ul>
        )}
        {next !== undefined && (
          <p>
            <a class="button" href={queryHref('/organization/invitations', { after: next })}>
              Earlier invitations
            </a>
          </p>
        )}
      </section>
    </OrganizationLayout>
  );
}
