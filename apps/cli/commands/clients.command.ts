import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ClientAdministration, clientPolicy, ClientRepository, type ClientState } from '#oauth';
import { Clock, OutboundHttp, PublicError, randomSecret } from '#platform';
import { ACTOR } from '../actor.js';
import { policyDocument, policyOptions } from '../client-flags.js';
import { refusalsTold, withDatabase } from '../opened-database.js';
import { terminal } from '../terminal.js';

const PAGE = 500;

const USAGE = `Usage: core-auth clients <what>

  list                every client by its identifier
  show <id>           what one is held to
  create --name N     make a client; its secret is shown once
  set <id>            change what one is held to
  rotate-secret <id>  give one another secret, shown once; the one before is refused from then on
  disable <id>        end what one may do, and its tokens
  enable <id>         take that back

Each takes --json, for programs. create and set take the policy of the client:

  --redirect-uri URI             where answers go; this and the next four may be told several times
  --post-logout-redirect-uri URI where a person may go after signing out
  --scope "S …"                  scopes that it may ask for; "openid profile email" for who signs people in
  --grant G                      code, refresh, client_credentials, device_code, token-exchange;
                                 code and refresh with a redirect URI, else client_credentials, unless told
  --resource URI                 resource indicators; those of its scopes and module unless told
  --auth M                       client_secret_basic (unless told), client_secret_post, private_key_jwt, none
  --jwks FILE, --jwks-uri URI    its public keys, for private_key_jwt
  --organization KEY             that a machine acts for
  --module KEY                   whose client it is
  --first-party                  people are not asked for consent
  --pkce P                       required (unless told), nonce, none; the last two for confidential clients
  --par, --dpop                  only pushed requests, only tokens bound to a key
  --profile fapi2                the FAPI 2.0 Security Profile (oauth21 unless told)
  --token-format opaque          which only introspection reads (jwt unless told)
  --id-token-alg A               ES256 (unless told), RS256
  --may-act ID                   the client that may act for people by its tokens
  --backchannel-logout-uri URI   told when a session ends
  --access-token-seconds N, --refresh-token-seconds N, --code-seconds N
  --policy FILE                  a JSON object of all that, as show --json prints it; - is the input
  --id ID                        the identifier of a new client; made up unless told

An empty value ("") takes away, --no-first-party, --no-par and --no-dpop switch off.`;

type Action = (clients: ClientAdministration) => Promise<number>;

/** The clients that an administrator makes, and the policy of each. */
export async function clientsCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const action = actionOf(args);
  if (!action) {
    terminal.complain(USAGE);
    return 1;
  }
  return refusalsTold(() =>
    withDatabase(env, ({ database, configuration }) => {
      const outbound = new OutboundHttp(configuration.outboundNetworks);
      return action(
        new ClientAdministration(database, new ClientRepository(database, outbound), new Clock()),
      );
    }),
  );
}

interface Wish {
  readonly id: string | undefined;
  readonly json: boolean;
  readonly values: Parameters<typeof policyDocument>[0];
}

const ACTIONS: Readonly<Record<string, (clients: ClientAdministration, wish: Wish) => Promise<number>>> = {
  list,
  show,
  create,
  set,
  'rotate-secret': rotateSecret,
  disable: (clients, wish) => setEnabled(clients, wish, false),
  enable: (clients, wish) => setEnabled(clients, wish, true),
};

/** @returns undefined when the arguments name nothing that can be done */
function actionOf([what = '', ...args]: readonly string[]): Action | undefined {
  const action = Object.hasOwn(ACTIONS, what) ? ACTIONS[what] : undefined;
  if (!action) return undefined;
  const options: NonNullable<ParseArgsConfig['options']> = {
    json: { type: 'boolean', default: false },
    ...(what === 'create' ? { id: { type: 'string' as const } } : {}),
    ...(what === 'create' || what === 'set' ? policyOptions : {}),
  };
  try {
    const { values, positionals } = parseArgs({
      args,
      options,
      allowPositionals: true,
      allowNegative: true,
    });
    const takesId = what !== 'list' && what !== 'create';
    if (positionals.length !== (takesId ? 1 : 0)) return undefined;
    const { id, json, ...policy }: Wish['values'] = values;
    const wish = {
      id: takesId ? positionals[0] : typeof id === 'string' ? id : undefined,
      json: json === true,
      values: policy,
    };
    return (clients) => action(clients, wish);
  } catch {
    return undefined;
  }
}

async function list(clients: ClientAdministration, { json }: Wish): Promise<number> {
  const all: ClientState[] = [];
  for (let page: ClientState[] = [], first = true; first || page.length === PAGE; first = false) {
    const after = all.at(-1)?.id;
    page = await clients.list({ ...(after !== undefined && { after }), limit: PAGE });
    all.push(...page);
  }
  if (json) terminal.say(JSON.stringify(all));
  else terminal.say(all.map(lineOf).join('\n') || 'There is no client.');
  return 0;
}

const SOURCES: Readonly<Record<ClientState['source'], string>> = {
  administrator: '',
  registration: ', registered itself',
  metadata_document: ', by a metadata document',
};

function lineOf({ id, name, method, source, organization, module, disabledAt }: ClientState): string {
  const of = `${module === null ? '' : `, module ${module}`}${organization === null ? '' : `, for ${organization}`}`;
  return `${id}  ${name}, ${method}${of}${SOURCES[source]}${disabledAt ? ', disabled' : ''}`;
}

async function show(clients: ClientAdministration, { id = '', json }: Wish): Promise<number> {
  const found = await clients.find(id);
  if (!found) throw unknownClient(id);
  const { client, state } = found;
  const policy = { ...clientPolicy(client), organization: state.organization };
  const { source, createdAt, disabledAt } = state;
  if (json) terminal.say(JSON.stringify({ client_id: id, source, createdAt, disabledAt, policy }));
  else {
    const lines = Object.entries(policy).map(([name, value]) => `  ${name.padEnd(39)}${wordsOf(value)}`);
    terminal.say([lineOf(state), '', ...lines].join('\n'));
  }
  return 0;
}

function wordsOf(value: unknown): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return '–';
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function create(clients: ClientAdministration, wish: Wish): Promise<number> {
  const policy = await clients.read(await policyDocument(wish.values));
  const { name } = policy;
  if (name === undefined) throw wrong('Name the client: --name "…".');
  const signsIn = (policy.redirectUris?.length ?? 0) > 0;
  const { grantTypes = signsIn ? ['authorization_code', 'refresh_token'] : ['client_credentials'] } = policy;
  const scopes = policy.scopes ?? (signsIn ? ['openid', 'profile', 'email'] : undefined);
  if (!scopes) throw wrong('Say what it may ask for: --scope "…".');
  const hasKeys = (policy.jwks ?? policy.jwksUri ?? null) !== null;
  const { client, secret } = await clients.create(
    {
      tokenEndpointAuthMethod: hasKeys ? 'private_key_jwt' : 'client_secret_basic',
      ...policy,
      id: wish.id ?? randomSecret(16),
      name,
      grantTypes,
      scopes,
    },
    ACTOR.id,
  );
  if (wish.json) terminal.say(JSON.stringify({ client_id: client.id, client_secret: secret }));
  else {
    terminal.say(`client_id      ${client.id}`);
    if (secret !== undefined) terminal.say(`client_secret  ${secret}`);
    terminal.say(`\n${client.name} is a client from now on.${shownOnce(secret)}`);
  }
  return 0;
}

async function set(clients: ClientAdministration, { id = '', json, values }: Wish): Promise<number> {
  const policy = await clients.read(await policyDocument(values));
  if (Object.keys(policy).length === 0) throw wrong('Say what to change, such as --scope "…".');
  const { client, secret, changed } = await clients.change(id, policy, ACTOR.id);
  if (json) terminal.say(JSON.stringify({ client_id: id, client_secret: secret, changed }));
  else {
    if (secret !== undefined) terminal.say(`client_secret  ${secret}\n`);
    terminal.say(
      changed.length === 0
        ? `${client.name} is like that already.`
        : `${client.name} is held to that from now on.${shownOnce(secret)}`,
    );
  }
  return 0;
}

async function rotateSecret(clients: ClientAdministration, { id = '', json }: Wish): Promise<number> {
  const secret = await clients.rotateSecret(id, ACTOR.id);
  if (json) terminal.say(JSON.stringify({ client_id: id, client_secret: secret }));
  else terminal.say(`client_secret  ${secret}\n\nThe one before is refused from now on.${shownOnce(secret)}`);
  return 0;
}

async function setEnabled(
  clients: ClientAdministration,
  { id = '', json }: Wish,
  enabled: boolean,
): Promise<number> {
  const changed = await (enabled ? clients.enable(id, ACTOR.id) : clients.disable(id, ACTOR.id));
  const found = await clients.find(id);
  if (!found) throw unknownClient(id);
  const { name, disabledAt } = found.state;
  if (enabled && disabledAt !== null) {
    throw wrong(`${name} has unregistered itself, and is not called back.`);
  }
  if (json) terminal.say(JSON.stringify({ client_id: id, changed }));
  else terminal.say(`${name} is ${enabled ? 'enabled' : 'disabled'} ${changed ? 'from now on' : 'already'}.`);
  return 0;
}

function shownOnce(secret: string | undefined): string {
  return secret === undefined ? '' : ' The secret is shown this once.';
}

function unknownClient(id: string): PublicError {
  return new PublicError(404, 'not_found', `There is no client ${id}.`);
}

function wrong(message: string): PublicError {
  return new PublicError(400, 'invalid_request', message);
}
