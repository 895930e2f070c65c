import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import {
  AccountInvitationRepository,
  AccountRepository,
  INVITATION_SECONDS,
  nameProblem,
  normalizeName,
  PasswordHasher,
  passwordProblem,
  requireMail,
} from '#accounts';
import { Clock, KeyEncryption, MailSealer, PublicError } from '#platform';
import { LockoutRepository } from '#sessions';
import { ACTOR } from '../actor.js';
import { refusalsTold, withDatabase, type OpenedDatabase } from '../opened-database.js';
import { terminal } from '../terminal.js';

const A_DAY = 86_400;

const USAGE = `Usage: core-auth accounts <what>

  create <e-mail> [--name <name>]                  send a mail by which the person chooses name and password
  create <e-mail> --name <name> --password-stdin   make the account, with the password that is read from the input
  unlock <e-mail>                                  end every delay that failed sign-ins have brought an account, at once`;

type Action = (opened: OpenedDatabase) => Promise<number>;

interface Wish {
  readonly email: string;
  readonly name: string | undefined;
  readonly passwordStdin: boolean;
}

/** Accounts from outside: how a service gets its first people, and what is done for those who are there. */
export async function accountsCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const action = actionOf(args);
  if (!action) {
    terminal.complain(USAGE);
    return 1;
  }
  return refusalsTold(() => withDatabase(env, action));
}

/** @returns undefined when the arguments name nothing that can be done */
function actionOf([what, ...rest]: readonly string[]): Action | undefined {
  if (what === 'unlock') {
    const [email, ...more] = rest;
    return email === undefined || more.length > 0 ? undefined : (opened) => unlock(opened, email);
  }
  const wish = what === 'create' ? wishOf(rest) : undefined;
  return wish && ((opened) => (wish.passwordStdin ? create(opened, wish) : invite(opened, wish)));
}

function wishOf(args: readonly string[]): Wish | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { name: { type: 'string' }, 'password-stdin': { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const [email, ...more] = positionals;
    const { name, 'password-stdin': passwordStdin } = values;
    if (email === undefined || more.length > 0 || (passwordStdin && name === undefined)) return undefined;
    return { email, name, passwordStdin };
  } catch {
    return undefined;
  }
}

async function unlock({ database, configuration }: OpenedDatabase, email: string): Promise<number> {
  const account = await new AccountRepository(database).findForSignIn(email);
  if (!account) {
    terminal.complain(`There is no account with the e-mail address ${email}.`);
    return 1;
  }
  const lockout = new LockoutRepository(database, new Clock(), configuration);
  const unlocked = await lockout.unlock(account.id, ACTOR);
  terminal.say(`${account.email} ${unlocked ? 'may sign in again from now on' : 'was not delayed'}.`);
  return 0;
}

async function invite({ database, configuration }: OpenedDatabase, { email, name }: Wish): Promise<number> {
  requireMail(configuration);
  const sealer = new MailSealer(new KeyEncryption(configuration.keyEncryptionKeys));
  const invitations = new AccountInvitationRepository(database, new Clock(), sealer, configuration);
  await invitations.invite({ email, name: name === undefined ? undefined : checkedName(name) }, ACTOR);
  terminal.say(`A mail is on its way to ${email}. Its link is good for ${INVITATION_SECONDS / A_DAY} days.`);
  return 0;
}

async function create({ database }: OpenedDatabase, { email, name = '' }: Wish): Promise<number> {
  const checked = checkedName(name);
  const password = await readPassword([email, checked]);
  const passwordHash = await new PasswordHasher().hash(password);
  const user = await new AccountRepository(database).createUser(
    { email, name: checked, passwordHash },
    ACTOR.id,
  );
  terminal.say(`${user.email} has an account from now on.`);
  return 0;
}

/** An argument would stand in the list of processes. */
async function readPassword(about: readonly string[]): Promise<string> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  const problem = passwordProblem(password, { about });
  if (problem) throw new PublicError(400, 'invalid_password', problem);
  return password;
}

/** @throws PublicError 400 `invalid_name` */
function checkedName(name: string): string {
  const problem = nameProblem(name);
  if (problem) throw new PublicError(400, 'invalid_name', problem);
  return normalizeName(name);
}
