import { AccountRepository, AdministratorRepository } from '#accounts';
import type { Configuration } from '#platform';
import { ACTOR } from '../actor.js';
import { withDatabase } from '../opened-database.js';
import { terminal } from '../terminal.js';

const USAGE = `Usage: core-auth operators <what>

  list            who administers the licenses of every organization
  add <e-mail>    let a person who has an account do so, from their next request on
  remove <e-mail> end it, from their next request on

Operators need a second factor for it, a passkey or an authenticator app, unless
CORE_AUTH_OPERATOR_SECOND_FACTOR is off. Who has none is asked to add one.`;

interface Opened {
  readonly accounts: AccountRepository;
  readonly administrators: AdministratorRepository;
  readonly configuration: Configuration;
}

type Action = (opened: Opened) => Promise<number>;

/** Who runs the seller's side: nothing but this command decides it. */
export async function operatorsCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const action = actionOf(args);
  if (!action) {
    terminal.complain(USAGE);
    return 1;
  }
  return withDatabase(env, ({ database, configuration }) =>
    action({
      accounts: new AccountRepository(database),
      administrators: new AdministratorRepository(database),
      configuration,
    }),
  );
}

/** @returns undefined when the arguments name nothing that can be done */
function actionOf([what, email, ...rest]: readonly string[]): Action | undefined {
  if (rest.length > 0) return undefined;
  if (what === 'list') return email === undefined ? list : undefined;
  if (email === undefined || (what !== 'add' && what !== 'remove')) return undefined;
  return (opened) => set(opened, email, what === 'add');
}

async function list({ administrators }: Opened): Promise<number> {
  const lines = (await administrators.operators()).map(
    ({ email, name, disabledAt, secondFactor }) =>
      `${email}  ${name}${disabledAt ? ', disabled' : ''}${secondFactor ? '' : ', no second factor'}`,
  );
  terminal.say(lines.length === 0 ? 'Nobody is an operator.' : lines.join('\n'));
  return 0;
}

async function set(
  { accounts, administrators, configuration }: Opened,
  email: string,
  operator: boolean,
): Promise<number> {
  const account = await accounts.findForSignIn(email);
  if (!account) {
    terminal.complain(`There is no account with the e-mail address ${email}.`);
    return 1;
  }
  const changed = await administrators.setOperator(account.id, operator, ACTOR.id);
  const state = operator ? 'an operator' : 'no operator';
  terminal.say(`${account.email} is ${state}${changed ? ' from now on' : ' already'}.`);
  if (operator && !account.hasSecondFactor && configuration.operatorSecondFactor === 'on') {
    terminal.say('They have no second factor yet: before they see a license they are asked to add one.');
  }
  return 0;
}
