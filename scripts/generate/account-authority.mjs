// docs/reference/account-authority.md: who may call which route of one's own account.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { accountRoutes } from '../../dist/apps/server/account/account-routes.js';
import { AppModule } from '../../dist/apps/server/app.module.js';
import { Configuration } from '../../dist/libs/platform/index.js';

const COLUMNS = [
  'the person',
  'the person, who signed in long ago',
  'another person',
  'a token without the scope',
  'a machine',
  'anonymous',
];

/** By route, one sentence without an end. */
const SUMMARIES = {
  'GET /v1/account': 'Tell who somebody is, and their organizations',
  'PATCH /v1/account': 'Change the name',
  'POST /v1/account/address': 'Ask for another e-mail address, which its reader confirms by mail',
  'GET /v1/account/applications': 'List what applications may do',
  'DELETE /v1/account/applications/{clientId}': 'End the access of an application',
  'POST /v1/account/deletion': 'Ask for the deletion of the account',
  'DELETE /v1/account/deletion': 'Undo the request for the deletion',
  'GET /v1/account/export': 'Take one’s data along as JSON',
  'GET /v1/account/factors': 'List what somebody signs in with beside the password',
  'PUT /v1/account/factors/authenticator-app': 'Set up an authenticator app, by its first code',
  'DELETE /v1/account/factors/authenticator-app': 'Remove the authenticator app',
  'POST /v1/account/factors/authenticator-app/offers': 'Get a secret for an authenticator app',
  'POST /v1/account/factors/passkeys': 'Add a passkey',
  'POST /v1/account/factors/passkeys/options': 'Get the options for a new passkey',
  'DELETE /v1/account/factors/passkeys/{id}': 'Remove a passkey',
  'PATCH /v1/account/factors/passkeys/{id}': 'Rename a passkey',
  'POST /v1/account/factors/recovery-codes': 'Make new recovery codes',
  'PUT /v1/account/password': 'Change the password',
  'GET /v1/account/sessions': 'List the sessions',
  'DELETE /v1/account/sessions': 'End every session but the token’s own',
  'DELETE /v1/account/sessions/{id}': 'End a session',
};

export function accountAuthority() {
  const { controllers } = AppModule.with(Configuration.load(ENVIRONMENT));
  const head = ['route', 'what it does', 'scope', ...COLUMNS];
  const rows = accountRoutes(controllers).map((route) => {
    const name = `${route.method} ${route.path}`;
    if (!(name in SUMMARIES)) throw new Error(`account-authority.mjs does not say what ${name} does`);
    return [`\`${name}\``, SUMMARIES[name], `\`${route.scope}\``, ...cellsOf(route)];
  });
  return [
    '# Who may do what with an account',
    '',
    'Made from the code by `npm run generate`; do not edit.',
    '',
    'A token acts for the person who allowed it, and no address and no body names another: what another person’s token reaches is their own account, and a session, passkey or application of somebody else is 404, as what there is not. Where a sign-in of long ago is not enough, 401 tells what would be (RFC 9470): one of 15 minutes at most, and with the second factor by who has one.',
    '',
    row(head),
    row(head.map(() => '---')),
    ...rows.map(row),
    '',
  ].join('\n');
}

function cellsOf({ path, recent }) {
  return ['yes', recent ? '401' : 'yes', path.includes('{') ? '404' : 'their own', '403', '403', '401'];
}

/** What the routes depend on is nothing of this. */
const ENVIRONMENT = {
  NODE_ENV: 'test',
  DATABASE_URL: 'postgresql://localhost/none',
  CORE_AUTH_KEY_ENCRYPTION_KEYS: `none:${randomBytes(32).toString('base64url')}`,
};

const row = (cells) => `| ${cells.join(' | ')} |`;
