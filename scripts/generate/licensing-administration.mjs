// What administers licensing over HTTP: who may call which route, and the routes as an OpenAPI document.
import 'reflect-metadata';
import { LICENSING_AUTHORITY, LICENSING_ROLES } from '../../dist/libs/licensing/administration/authority.js';
import { administrationRoutes } from '../../dist/libs/licensing/administration/routes.js';
import { moduleRoutes } from '../../dist/libs/licensing/module-routes.js';
import { openApi } from './open-api.mjs';

/** docs/reference/licensing-authority.md */
export function authorityReference() {
  const head = ['route', 'what it does', 'scope', ...LICENSING_ROLES];
  const rows = administrationRoutes().map(({ method, path, summary, scope, action }) => [
    `\`${method} ${path}\``,
    summary,
    `\`${scope}\``,
    ...LICENSING_ROLES.map((role) => (LICENSING_AUTHORITY[action].includes(role) ? 'yes' : '–')),
  ]);
  return [
    '# Who may administer licenses',
    '',
    'Made from the code by `npm run generate`; do not edit.',
    '',
    'An access token needs the scope of the route, and its holder has to be one of these. What a person is, is looked up at each request: an operator by `core-auth operators`, everybody else by their role in the organization that the token was issued for. Operators reach every organization; others their own, and what belongs to another one is answered with 404. A client that an administrator registered as the suite’s own, for no organization, acts as an operator by client credentials.',
    '',
    'The clients of modules administer nothing. What they ask, each of its own module and with no token, is [in the same document](licensing-api.json): `' +
      moduleRoutes()
        .map(({ method, path }) => `${method} ${path}`)
        .join('`, `') +
      '`.',
    '',
    row(head),
    row(head.map(() => '---')),
    ...rows.map(row),
    '',
  ].join('\n');
}

const CONDITIONAL = new Set(['/v1/licenses/{id}', '/v1/licenses/snapshot']);

const row = (cells) => `| ${cells.join(' | ')} |`;

/** docs/reference/licensing-api.json */
export function administrationApi() {
  return openApi({
    title: 'Licensing',
    authority: 'licensing-authority.md',
    routes: [...moduleRoutes(), ...administrationRoutes()],
    isConditional: ({ method, path }) => method === 'GET' && CONDITIONAL.has(path),
  });
}
