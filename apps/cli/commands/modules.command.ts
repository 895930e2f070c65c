import { parseArgs } from 'node:util';
import type { Role } from '#accounts';
import { CatalogRepository } from '#licensing';
import { ACTOR } from '../actor.js';
import { refusalsTold, withDatabase } from '../opened-database.js';
import { terminal } from '../terminal.js';

const USAGE = `Usage: core-auth modules <what>

  list                            every module by its key, with its address
  create <key> --name N --url U   a module that licenses are sold for; its address is its own, without a path
  set <key> --name N --url U      another name or address, or both
  permissions <key> <role> [P …]  what owner, administrator, member or billing may do there; nothing when none is told
  scope <key> <scope> <role …>    which roles a scope of the module can be granted to

    --environment E  of a new module: production unless told

Permissions and scopes count from the next token on. Features, plans and licenses are made by the API.`;

type Action = (catalog: CatalogRepository) => Promise<void>;

/** What is sold: the modules of the suite, and what roles may do in them. */
export async function modulesCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const action = actionOf(args);
  if (!action) {
    terminal.complain(USAGE);
    return 1;
  }
  return refusalsTold(() =>
    withDatabase(env, async ({ database }) => {
      await action(new CatalogRepository(database));
      return 0;
    }),
  );
}

/** @returns undefined when the arguments name nothing that can be done */
function actionOf([what, ...args]: readonly string[]): Action | undefined {
  const { values, positionals } = parsed(args) ?? {};
  if (!values || !positionals) return undefined;
  const { name, url: baseUrl, environment } = values;
  const [key, first, ...others] = positionals;
  const flagged = Object.keys(values).length > 0;
  if (what === 'list') return key === undefined && !flagged ? list : undefined;
  if (key === undefined) return undefined;
  if (what === 'permissions' || what === 'scope') {
    if (first === undefined || flagged) return undefined;
    return what === 'permissions'
      ? (catalog) => setPermissions(catalog, key, first, others)
      : (catalog) => setScopeRoles(catalog, key, first, others);
  }
  if (first !== undefined) return undefined;
  if (what === 'create' && name !== undefined && baseUrl !== undefined) {
    return (catalog) =>
      create(catalog, { key, name, baseUrl, ...(environment !== undefined && { environment }) });
  }
  const changes = name !== undefined || baseUrl !== undefined;
  if (what !== 'set' || !changes || environment !== undefined) return undefined;
  return (catalog) => change(catalog, key, { name, baseUrl });
}

function parsed(args: readonly string[]) {
  const options = {
    name: { type: 'string' },
    url: { type: 'string' },
    environment: { type: 'string' },
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch {
    return undefined;
  }
}

async function list(catalog: CatalogRepository): Promise<void> {
  const modules = await catalog.modules();
  if (modules.length === 0) terminal.say('There is no module.');
  for (const { key, name, baseUrl, environment } of modules) {
    terminal.say(`${key}  ${name}, ${baseUrl}${environment === 'production' ? '' : `, ${environment}`}`);
  }
}

async function create(
  catalog: CatalogRepository,
  module: {
    readonly key: string;
    readonly name: string;
    readonly baseUrl: string;
    readonly environment?: string;
  },
): Promise<void> {
  const { key, name, baseUrl } = await catalog.createModule(module, ACTOR.id);
  terminal.say(
    `${name} (${key}) is at ${baseUrl} from now on. Next: a client for it, core-auth clients create --module ${key}`,
  );
}

async function change(
  catalog: CatalogRepository,
  key: string,
  changes: { readonly name: string | undefined; readonly baseUrl: string | undefined },
): Promise<void> {
  const { name, baseUrl } = await catalog.changeModule(key, changes, ACTOR.id);
  terminal.say(`${name} (${key}) is at ${baseUrl} from now on.`);
}

async function setPermissions(
  catalog: CatalogRepository,
  moduleKey: string,
  role: string,
  permissions: readonly string[],
): Promise<void> {
  await catalog.setPermissions({ moduleKey, role: role as Role, permissions }, ACTOR.id);
  const may = permissions.length > 0 ? permissions.join(', ') : 'nothing of its own';
  terminal.say(`In ${moduleKey} the role ${role} may from now on: ${may}.`);
}

async function setScopeRoles(
  catalog: CatalogRepository,
  moduleKey: string,
  scope: string,
  roles: readonly string[],
): Promise<void> {
  await catalog.setScopeRoles({ moduleKey, scope, roles: roles as readonly Role[] }, ACTOR.id);
  terminal.say(`${scope} is granted to ${roles.length > 0 ? roles.join(', ') : 'nobody'} from now on.`);
}
