import { migrate } from '../migrate.js';
import { reachableConfiguration, withDatabase } from '../opened-database.js';
import { RuntimeRoleRepository, type GrantRefused } from '../runtime-role.repository.js';
import { terminal } from '../terminal.js';

const USAGE = `Usage: core-auth migrate [--runtime-role <role>]

Brings the tables of DATABASE_URL up to date, as the role that owns them. With --runtime-role it also grants that role
what the server needs and no more: the server's own DATABASE_URL then names that role, which can add to the audit
trail but not change it.`;

const REFUSED: Readonly<Record<GrantRefused, (role: string) => string>> = {
  unknown: (role) => `There is no role "${role}". Create it first: CREATE ROLE "${role}" LOGIN PASSWORD '…'`,
  administrator: (role) =>
    `"${role}" is a superuser, whom no privilege keeps from anything. Name another role.`,
  owner: (role) =>
    `"${role}" owns the tables, their schema or the database, or is a member of who does. Name a role that does not.`,
};

export async function migrateCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const [option, role, ...rest] = args;
  if ((option !== undefined && (option !== '--runtime-role' || !role)) || rest.length > 0) {
    terminal.complain(USAGE);
    return 1;
  }
  const done = await migrate(await reachableConfiguration(env));
  terminal.say(done.length === 0 ? 'The tables are up to date.' : `Migrated: ${done.join(', ')}.`);
  return role === undefined ? 0 : grant(env, role);
}

async function grant(env: NodeJS.ProcessEnv, role: string): Promise<number> {
  const refused = await withDatabase(env, ({ database }) => new RuntimeRoleRepository(database).grant(role));
  if (refused) terminal.complain(REFUSED[refused](role));
  else terminal.say(`"${role}" may do what the server needs.`);
  return refused ? 1 : 0;
}
