// One's own account over HTTP: who may call which route, and the routes as an OpenAPI document.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { accountRoutes } from '../../dist/apps/server/account/account-routes.js';
import { AppModule } from '../../dist/apps/server/app.module.js';
import { Configuration } from '../../dist/libs/platform/index.js';
import { openApi } from './open-api.mjs';

const COLUMNS = [
  'the person',
  'the person, who signed in long ago',
  'another person',
  'a token without the scope',
  'a machine',
  'anonymous',
];

/** What the routes depend on is nothing of this. */
const ENVIRONMENT = {
  NODE_ENV: 'test',
  DATABASE_URL: 'postgresql://localhost/none',
  CORE_AUTH_KEY_ENCRYPTION_KEYS: `none:${randomBytes(32).toString('base64url')}`,
};
const routes = accountRoutes(AppModule.with(Configuration.load(ENVIRONMENT)).controllers);

/** docs/reference/account-authority.md */
export function accountAuthority() {
  const head = ['route', 'what it does', 'scope', ...COLUMNS];
  const rows = routes.map((route) => [
    `\`${route.method} ${route.path}\``,
    route.summary,
    `\`${route.scope}\``,
    ...cellsOf(route),
  ]);
  return [
    '# Who may do what with an account',
    '',
    'Made from the code by `npm run generate`; do not edit.',
    '',
    'A token acts for the person who allowed it, and no address and no body names another: what another person’s token reaches is their own account, and a session, passkey or application of somebody else is 404, as what there is not. Where a sign-in of long ago is not enough, 401 tells what would be (RFC 9470): one of 15 minutes at most, and with the second factor by who has one. The routes with what they take and answer: [account-api.json](account-api.json).',
    '',
    row(head),
    row(head.map(() => '---')),
    ...rows.map(row),
    '',
  ].join('\n');
}

/** docs/reference/account-api.json */
export function accountApi() {
  return openApi({ title: 'One’s own account', authority: 'account-authority.md', routes });
}

function cellsOf({ path, recent }) {
  return ['yes', recent ? '401' : 'yes', path.includes('{') ? '404' : 'their own', '403', '403', '401'];
}

const row = (cells) => `| ${cells.join(' | ')} |`;
