import type { VNode } from 'preact';
import { LONGEST_NAME, type OrganizationDetails } from '#accounts';
import { FormOf, TextField } from './fields.js';
import { mayHere, type Frame } from './frame.js';
import { OrganizationLayout } from './organization-layout.js';
import { DeletionNotice } from './overview.view.js';
import { SecondFactor, Sessions, type Security } from './security.view.js';
import type { TypedLimits } from './typed-limits.js';

/** What was typed into a form that was refused. */
export type TypedSettings = { readonly problem: string } & (
  | { readonly form: 'name'; readonly field: 'name' | 'key'; readonly name: string; readonly key: string }
  | { readonly form: 'deletion' }
  | ({ readonly form: 'sessions' } & TypedLimits)
);

interface SettingsProps {
  readonly frame: Frame;
  readonly details: OrganizationDetails;
  readonly security: Security;
  readonly graceDays: number;
  readonly typed?: TypedSettings | undefined;
}

function Name({ frame, details, typed }: SettingsProps): VNode {
  const shown = typed?.form === 'name' ? typed : undefined;
  return (
    <section class="panel" aria-labelledby="name-heading">
      <h2 id="name-heading">Name</h2>
      <form method="post" action="/organization/settings">
        <FormOf frame={frame} />
        <TextField
          id="name"
          name="name"
          label="Name"
          autocomplete="organization"
          maxLength={LONGEST_NAME}
          required
          value={shown?.name ?? details.name}
          error={shown?.field === 'name' ? shown.problem : undefined}
        />
        <TextField
          id="key"
          name="key"
          label="Key"
          hint="Small letters, digits and hyphens. Tokens, files and commands name the organization by it."
          maxLength={63}
          required
          value={shown?.key ?? details.key}
          error={shown?.field === 'key' ? shown.problem : undefined}
        />
        <button class="button button-primary" type="submit">
          Save
        </button>
      </form>
    </section>
  );
}

function Export({ frame }: { frame: Frame }): VNode {
  return (
    <section class="panel" aria-labelledby="export">
      <h2 id="export">Take the data along</h2>
      <p class="muted">People, invitations, roles and licenses of {frame.organization.name}, as JSON.</p>
      <p>
        <a class="button" href="/organization/export">
          Export
        </a>
      </p>
    </section>
  );
}

function Deletion({ frame, details, graceDays, typed }: SettingsProps): VNode {
  return (
    <section class="panel" aria-labelledby="deletion">
      <h2 id="deletion">Delete the organization</h2>
      <p class="muted">
        It is removed after {graceDays} days with its memberships and licenses; what they have counted is kept
        for the last bill. Until then every owner can undo that.
      </p>
      <form method="post" action="/organization/deletion">
        <FormOf frame={frame} />
        <TextField
          id="confirmation"
          name="confirmation"
          label={`Type “${details.key}” to confirm`}
          maxLength={100}
          required
          error={typed?.form === 'deletion' ? typed.problem : undefined}
        />
        <button class="button" type="submit">
          Delete {details.name}
        </button>
      </form>
    </section>
  );
}

export function SettingsView(props: SettingsProps): VNode {
  const { frame, details, security, typed } = props;
  return (
    <OrganizationLayout frame={frame} path="/organization/settings">
      {details.deletionAt && <DeletionNotice frame={frame} at={details.deletionAt} />}
      <div class="panels">
        <Name {...props} />
        {mayHere(frame, 'organization:secure') && (
          <>
            <SecondFactor frame={frame} security={security} />
            <Sessions
              frame={frame}
              security={security}
              typed={typed?.form === 'sessions' ? typed : undefined}
            />
          </>
        )}
        {mayHere(frame, 'organization:export') && <Export frame={frame} />}
        {mayHere(frame, 'organization:delete') && !details.deletionAt && <Deletion {...props} />}
      </div>
    </OrganizationLayout>
  );
}
