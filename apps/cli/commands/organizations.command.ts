import { parseArgs } from 'node:util';
import { AccountRepository, OrganizationRepository } from '#accounts';
import { ACTOR } from '../actor.js';
import { refusalsTold, withDatabase } from '../opened-database.js';
import { terminal } from '../terminal.js';

const PAGE = 500;

const USAGE = `Usage: core-auth organizations <what>

  list                           every organization by its key, with its owners
  create <name> --owner <e-mail> make an organization; its owner has an account already

    --key <key>  by which files and commands name it; made from the name unless told

  suspend <key>                  nobody uses anything of an organization, from now on
  resume <key>                   end that`;

interface Opened {
  readonly accounts: AccountRepository;
  readonly organizations: OrganizationRepository;
}

type Action = (opened: Opened) => Promise<number>;

/** Organizations from outside: how a service gets its first one. */
export async function organizationsCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const action = actionOf(args);
  if (!action) {
    terminal.complain(USAGE);
    return 1;
  }
  return refusalsTold(() =>
    withDatabase(env, ({ database, configuration }) =>
      action({
        accounts: new AccountRepository(database),
        organizations: new OrganizationRepository(database, configuration),
      }),
    ),
  );
}

/** @returns undefined when the arguments name nothing that can be done */
function actionOf([what, ...rest]: readonly string[]): Action | undefined {
  if (what === 'list') return rest.length === 0 ? list : undefined;
  if (what === 'suspend' || what === 'resume') {
    const [key, ...more] = rest;
    return key === undefined || more.length > 0
      ? undefined
      : (opened) => setSuspended(opened, key, what === 'suspend');
  }
  if (what !== 'create') return undefined;
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      options: { owner: { type: 'string' }, key: { type: 'string' } },
      allowPositionals: true,
    });
    const [name, ...more] = positionals;
    const { owner, key } = values;
    if (name === undefined || owner === undefined || more.length > 0) return undefined;
    return (opened) => create(opened, { name, key }, owner);
  } catch {
    return undefined;
  }
}

async function list({ organizations }: Opened): Promise<number> {
  let after: string | undefined;
  let found = 0;
  do {
    const page = await organizations.list({ ...(after !== undefined && { after }), limit: PAGE });
    for (const { key, name, members, owners, suspendedAt, deletionAt } of page) {
      const people = members === 1 ? '1 person' : `${members} people`;
      const state = `${suspendedAt ? ', suspended' : ''}${deletionAt ? ', about to be deleted' : ''}`;
      terminal.say(`${key}  ${name}, ${people}, owned by ${owners.join(', ') || 'nobody'}${state}`);
    }
    found += page.length;
    after = page.length === PAGE ? page.at(-1)?.key : undefined;
  } while (after !== undefined);
  if (found === 0) terminal.say('There is no organization.');
  return 0;
}

async function create(
  { accounts, organizations }: Opened,
  draft: { readonly name: string; readonly key: string | undefined },
  email: string,
): Promise<number> {
  const owner = await accounts.findForSignIn(email);
  if (!owner) {
    terminal.complain(
      `There is no account with the e-mail address ${email}. Make one first: core-auth accounts create ${email}`,
    );
    return 1;
  }
  const { key, name } = await organizations.create(draft, owner.id, ACTOR);
  terminal.say(`${name} (${key}) is owned by ${owner.email} from now on.`);
  return 0;
}

async function setSuspended(
  { accounts, organizations }: Opened,
  key: string,
  suspended: boolean,
): Promise<number> {
  const organization = await organizations.findByKey(key);
  if (!organization) {
    terminal.complain(`There is no organization with the key ${key}. See: core-auth organizations list`);
    return 1;
  }
  const { id, name } = organization;
  const changed = suspended
    ? await accounts.suspendOrganization(id, ACTOR.id)
    : await accounts.resumeOrganization(id, ACTOR.id);
  const state = suspended ? 'is suspended' : 'is not suspended';
  terminal.say(`${name} (${key}) ${state}${changed ? ' from now on' : ' already'}.`);
  return 0;
}
