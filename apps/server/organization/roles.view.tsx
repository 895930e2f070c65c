import type { VNode } from 'preact';
import { LONGEST_NAME, type CustomRole } from '#accounts';
import { Confirmed, FormOf, TextField } from './fields.js';
import type { Frame } from './frame.js';
import { OrganizationLayout } from './organization-layout.js';

/** A role as it was typed. */
export interface TypedRole {
  /** Undefined for a new one. */
  readonly id: string | undefined;
  readonly name: string;
  readonly permissions: readonly string[];
  readonly problem: string;
}

interface RolesProps {
  readonly frame: Frame;
  readonly roles: readonly CustomRole[];
  /** What the person may put into a role: what they have themselves. */
  readonly grantable: readonly string[];
  readonly typed?: TypedRole | undefined;
}

function Permissions({
  id,
  grantable,
  held,
}: {
  id: string;
  grantable: readonly string[];
  held: readonly string[];
}) {
  const all = [...new Set([...grantable, ...held])].sort();
  if (all.length === 0) {
    return <p class="muted">No module of this service has permissions that you could give.</p>;
  }
  return (
    <fieldset class="permissions">
      <legend>Permissions</legend>
      {all.map((permission) => (
        <label key={permission} class="check">
          <input
            type="checkbox"
            id={`${id}-${permission}`}
            name="permission"
            value={permission}
            checked={held.includes(permission)}
          />
          <code>{permission}</code>
        </label>
      ))}
    </fieldset>
  );
}

function RoleFields({
  id,
  name,
  error,
  grantable,
  held,
}: {
  id: string;
  name: string | undefined;
  error: string | undefined;
  grantable: readonly string[];
  held: readonly string[];
}): VNode {
  return (
    <>
      <TextField
        id={`${id}-name`}
        name="name"
        label="Name"
        maxLength={LONGEST_NAME}
        required
        value={name}
        error={error}
      />
      <Permissions id={id} grantable={grantable} held={held} />
    </>
  );
}

function Role({ frame, role, grantable, typed }: Omit<RolesProps, 'roles'> & { role: CustomRole }): VNode {
  const shown = typed?.id === role.id ? typed : undefined;
  const { holders } = role;
  const held = holders === 1 ? '1 person has it or is' : `${holders} people have it or are`;
  return (
    <li class="item role">
      <span class="contact">
        <span class="member-name">
          {role.name} <code>{role.key}</code>
        </span>
        <span class="muted small">{role.permissions.join(', ') || 'No permissions'}</span>
        <span class="muted small">{holders === 0 ? 'Nobody has it' : `${held} invited to it`}</span>
      </span>
      <div class="member-acts">
        <Confirmed summary="Change" label={`Change ${role.name}`} open={shown !== undefined}>
          <form method="post" action={`/organization/roles/${role.id}`}>
            <FormOf frame={frame} />
            <RoleFields
              id={role.id}
              name={shown?.name ?? role.name}
              error={shown?.problem}
              grantable={grantable}
              held={shown?.permissions ?? role.permissions}
            />
            <button class="button button-primary" type="submit">
              Save {role.name}
            </button>
          </form>
        </Confirmed>
        <Confirmed summary="Delete" label={`Delete ${role.name}`}>
          <form method="post" action={`/organization/roles/${role.id}/delete`}>
            <FormOf frame={frame} />
            <button class="button button-primary" type="submit">
              Delete the role
            </button>
          </form>
        </Confirmed>
      </div>
    </li>
  );
}

export function RolesView({ frame, roles, grantable, typed }: RolesProps): VNode {
  const fresh = typed && typed.id === undefined ? typed : undefined;
  return (
    <OrganizationLayout frame={frame} path="/organization/roles">
      <p class="lead">
        Beside owner, administrator, billing and member you can make roles of permissions: whoever has one can
        do in modules what it lists.
      </p>
      {roles.length > 0 && (
        <ul class="item-list console-list">
          {roles.map((role) => (
            <Role key={role.id} {...{ frame, role, grantable, typed }} />
          ))}
        </ul>
      )}
      <section class="panel" aria-labelledby="new-role">
        <h2 id="new-role">New role</h2>
        <form method="post" action="/organization/roles">
          <FormOf frame={frame} />
          <RoleFields
            id="new"
            name={fresh?.name}
            error={fresh?.problem}
            grantable={grantable}
            held={fresh?.permissions ?? []}
          />
          <button class="button button-primary" type="submit">
            Create the role
          </button>
        </form>
      </section>
    </OrganizationLayout>
  );
}
