import { parseArgs } from 'node:util';
import { InitialAccessTokenRepository } from '#oauth';
import { addSeconds, Clock, type Configuration } from '#platform';
import { ACTOR } from '../actor.js';
import { withDatabase } from '../opened-database.js';
import { terminal } from '../terminal.js';

const A_DAY = 86_400;
const MOST = { uses: 1000, days: 365 } as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const USAGE = `Usage: core-auth registration-token <what>

  create           make a token that lets its bearer register clients; it is shown once
    --uses N       how many (1 unless told, ${MOST.uses} at most)
    --days D       for how long (7 unless told, ${MOST.days} at most)
  list             tokens that still let somebody register
  revoke <id>      end one; what was registered with it stays`;

interface Opened {
  readonly tokens: InitialAccessTokenRepository;
  readonly clock: Clock;
  readonly configuration: Configuration;
}

type Action = (opened: Opened) => Promise<number>;

/** Initial access tokens (RFC 7591 §3) for CORE_AUTH_REGISTRATION=token. */
export async function registrationTokenCommand(
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): Promise<number> {
  const action = actionOf(args);
  if (!action) {
    terminal.complain(USAGE);
    return 1;
  }
  return withDatabase(env, ({ database, configuration }) => {
    const clock = new Clock();
    return action({ tokens: new InitialAccessTokenRepository(database, clock), clock, configuration });
  });
}

/** @returns undefined when the arguments name nothing that can be done */
function actionOf(args: readonly string[]): Action | undefined {
  const [what, ...rest] = args;
  if (what === 'create') {
    const limits = limitsOf(rest);
    return limits && ((opened) => create(opened, limits));
  }
  if (what === 'list' && rest.length === 0) return list;
  const [id] = rest;
  if (what === 'revoke' && id !== undefined && rest.length === 1) return (opened) => revoke(opened, id);
  return undefined;
}

function limitsOf(args: readonly string[]): { uses: number; days: number } | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { uses: { type: 'string', default: '1' }, days: { type: 'string', default: '7' } },
      allowPositionals: false,
    });
    const [uses, days] = [numberOf(values.uses, MOST.uses), numberOf(values.days, MOST.days)];
    return uses === undefined || days === undefined ? undefined : { uses, days };
  } catch {
    return undefined;
  }
}

function numberOf(text: string, most: number): number | undefined {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= most ? number : undefined;
}

async function create(opened: Opened, { uses, days }: { uses: number; days: number }): Promise<number> {
  const { tokens, clock, configuration } = opened;
  const expiresAt = addSeconds(clock.now(), days * A_DAY);
  const { id, token } = await tokens.create(uses, expiresAt, ACTOR.id);
  terminal.say(
    [
      token,
      '',
      `This is the token, shown this once. It is ${id}, registers ${clients(uses)} and ends at ${expiresAt.toISOString()}.`,
      ...(configuration.registration === 'token'
        ? []
        : ['It opens nothing before CORE_AUTH_REGISTRATION is "token".']),
    ].join('\n'),
  );
  return 0;
}

async function list({ tokens }: Opened): Promise<number> {
  const lines = (await tokens.list()).map(
    ({ id, usesLeft, expiresAt }) => `${id}  ${clients(usesLeft)}, until ${expiresAt.toISOString()}`,
  );
  terminal.say(lines.length === 0 ? 'No token lets anybody register.' : lines.join('\n'));
  return 0;
}

async function revoke({ tokens }: Opened, id: string): Promise<number> {
  if (UUID.test(id) && (await tokens.revoke(id, ACTOR.id))) {
    terminal.say(`${id} lets nobody register any more.`);
    return 0;
  }
  terminal.complain(`There is no registration token ${id}.`);
  return 1;
}

function clients(number: number): string {
  return number === 1 ? '1 client' : `${number} clients`;
}
