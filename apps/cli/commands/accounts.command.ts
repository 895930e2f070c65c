import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import {
  AccountInvitationRepository,
  AccountRepository,
  BrowserSealer,
  INVITATION_SECONDS,
  nameProblem,
  normalizeName,
  PasswordHasher,
  passwordProblem,
  requireMail,
  type SignInAccount,
} from '#accounts';
import { Clock, KeyedDigest, KeyEncryption, MailSealer, PublicError } from '#platform';
import {
  LockoutRepository,
  LostFactorsRepository,
  OwnSessionsRepository,
  passwordEndedMail,
  PasswordRepository,
} from '#sessions';
import { ACTOR } from '../actor.js';
import { refusalsTold, withDatabase, type OpenedDatabase } from '../opened-database.js';
import { terminal } from '../terminal.js';

const A_DAY = 86_400;

const USAGE = `Usage: core-auth accounts <what>

  create <e-mail> [--name <name>]                  send a mail by which the person chooses name and password
  create <e-mail> --name <name> --password-stdin   make the account, with the password that is read from the input
  unlock <e-mail>                                  end every delay that failed sign-ins have brought an account, at once
  end-sessions <e-mail>                            sign the person out everywhere; they may sign in again
  reset-password <e-mail>                          end a password that somebody else may know, and every session; the person
                                                   chooses another by mail
  remove-factors <e-mail>                          take every second factor of who has lost them away, and end every session
  disable <e-mail>                                 let the person sign in no more, and end every session
  enable <e-mail>                                  let the person sign in again; what was ended stays ended`;

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
  if (what === 'unlock') return onAccount(rest, unlock);
  if (what === 'end-sessions') return onAccount(rest, endSessions);
  if (what === 'reset-password') return onAccount(rest, resetPassword);
  if (what === 'remove-factors') return onAccount(rest, removeFactors);
  if (what === 'disable' || what === 'enable') {
    return onAccount(rest, (opened, account) => setDisabled(opened, account, what === 'disable'));
  }
  const wish = what === 'create' ? wishOf(rest) : undefined;
  return wish && ((opened) => (wish.passwordStdin ? create(opened, wish) : invite(opened, wish)));
}

/** What is done with the account of one address. */
function onAccount(
  [email, ...more]: readonly string[],
  act: (opened: OpenedDatabase, account: SignInAccount) => Promise<void>,
): Action | undefined {
  if (email === undefined || more.length > 0) return undefined;
  return async (opened) => {
    const account = await new AccountRepository(opened.database).findForSignIn(email);
    if (!account) {
      terminal.complain(`There is no account with the e-mail address ${email}.`);
      return 1;
    }
    await act(opened, account);
    return 0;
  };
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

async function unlock({ database, configuration }: OpenedDatabase, account: SignInAccount): Promise<void> {
  const digests = new KeyedDigest(configuration.keyEncryptionKeys);
  const lockout = new LockoutRepository(database, new Clock(), configuration, digests);
  const unlocked = await lockout.unlock(account.id, ACTOR);
  terminal.say(`${account.email} ${unlocked ? 'may sign in again from now on' : 'was not delayed'}.`);
}

async function endSessions(
  { database, configuration }: OpenedDatabase,
  account: SignInAccount,
): Promise<void> {
  const browsers = new BrowserSealer(new KeyEncryption(configuration.keyEncryptionKeys));
  const sessions = new OwnSessionsRepository(database, new Clock(), browsers);
  const ended = await sessions.endOthers(account.id, undefined, ACTOR);
  terminal.say(`${sessionsIn(ended)} of ${account.email} ended.`);
}

async function resetPassword(
  { database, configuration }: OpenedDatabase,
  { id, email }: SignInAccount,
): Promise<void> {
  if (!configuration.sendsMail) {
    throw new PublicError(
      409,
      'no_mail',
      'Another password is chosen by mail, and no mail leaves this installation. Set CORE_AUTH_SMTP_URL and CORE_AUTH_MAIL_FROM first. Nothing was changed.',
    );
  }
  const sealer = new MailSealer(new KeyEncryption(configuration.keyEncryptionKeys));
  const notice = sealer.seal(passwordEndedMail(email, configuration.issuer));
  const ended = await new PasswordRepository(database, new Clock()).end(id, ACTOR.id, notice);
  terminal.say(
    ended === undefined
      ? `${email} has no password.`
      : `The password of ${email} no longer works, and ${sessionsIn(ended)} ended. A mail tells them to choose another.`,
  );
}

async function removeFactors(
  { database, configuration }: OpenedDatabase,
  account: SignInAccount,
): Promise<void> {
  const { id: userId, email } = account;
  const mails = new MailSealer(new KeyEncryption(configuration.keyEncryptionKeys));
  const factors = new LostFactorsRepository(database, new Clock(), mails, configuration);
  const removed = await factors.remove({ userId, email }, ACTOR);
  if (!removed) {
    terminal.say(`${email} has no second factor.`);
    return;
  }
  terminal.say(`${email} has no second factor from now on; ${sessionsIn(removed.sessions)} ended.`);
  terminal.say(
    removed.passwordEnded
      ? 'Their password may not stand alone and no longer works: they choose one by “Forgotten your password?” on the sign-in page.'
      : 'They sign in with their password, and add a factor at /account/security.',
  );
}

function sessionsIn(count: number): string {
  return count === 1 ? '1 session' : `${count} sessions`;
}

async function setDisabled(
  { database }: OpenedDatabase,
  { id, email, disabledAt }: SignInAccount,
  disabled: boolean,
): Promise<void> {
  const accounts = new AccountRepository(database);
  const changed = disabled
    ? await accounts.disableUser(id, ACTOR.id)
    : await accounts.enableUser(id, ACTOR.id);
  if (!disabled && !changed && disabledAt !== null) {
    throw new PublicError(409, 'account_ends', `${email} is being removed: nobody signs in to it any more.`);
  }
  const state = disabled ? 'is disabled' : 'may sign in';
  terminal.say(`${email} ${state}${changed ? ' from now on' : ' already'}.`);
  const ownerless = disabled ? await accounts.organizationsWithoutOwner(id) : [];
  for (const key of ownerless) terminal.say(`${key} has no owner who can sign in and stays.`);
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
