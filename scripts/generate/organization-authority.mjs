// What an organization's people do: who may call which page and route, and the routes as an OpenAPI document.
import 'reflect-metadata';
import { mayInOrganization } from '../../dist/libs/accounts/index.js';
import {
  organizationApiRoutes,
  organizationRoutes,
} from '../../dist/apps/server/organization/organization-routes.js';
import { openApi } from './open-api.mjs';

const ROLES = ['owner', 'administrator', 'billing', 'member', 'custom role'];
/** Who is none of the organization's people, whatever else they are. */
const STRANGERS = ['administrator of another organization', 'operator', 'anonymous'];
const MACHINE = 'machine';
/** By a token that is for none. */
const NOBODYS = 'who belongs to none';

/** docs/reference/organization-authority.md */
export function organizationAuthority() {
  return [
    '# Who may do what in an organization',
    '',
    'Made from the code by `npm run generate`; do not edit.',
    '',
    'What a person is in an organization is looked up at each request, and again by the statement that changes something. A role that an organization made of permissions is worth what member is, here. An operator administers licenses at `/console/licenses`, and no organization’s people.',
    '',
    '## Pages',
    '',
    'Who calls them is known by the session, and the organization is the one for which the person acts, never one that an address or a form names. A form names the organization that it was shown for: sent while the person acts for another, it changes nothing. Who holds the link of an invitation may accept it as the address that it was sent to, and as no other.',
    '',
    ...table([...ROLES, ...STRANGERS], organizationRoutes(), () => []),
    '',
    '## API',
    '',
    'A token of a person with the scope of the route and this server as its audience. The organization is the one that the token is for; an address that names another is answered with 404, as one that there is not. Who belongs to none has a token for none, and no scope of an organization. “recent” asks for a sign-in of the last 15 minutes, with the second factor by who has one (RFC 9470). The routes with what they take and answer: [organization-api.json](organization-api.json).',
    '',
    ...table(
      [...ROLES, ...STRANGERS, NOBODYS, MACHINE],
      organizationApiRoutes(),
      ({ scope, scopeWithoutOrganization: without, recent }) => [
        `\`${scope}\`${without ? ` or, for no organization, \`${without}\`` : ''}${recent ? ', recent' : ''}`,
      ],
    ),
    '',
  ].join('\n');
}

/** docs/reference/organization-api.json */
export function organizationApi() {
  return openApi({
    title: 'Organizations',
    authority: 'organization-authority.md',
    routes: organizationApiRoutes(),
  });
}

function table(people, routes, more) {
  const rows = routes.map((route) => [
    `\`${route.method} ${route.path}\``,
    route.summary,
    ...more(route),
    ...people.map((who) => cellOf(route, who)),
  ]);
  const beside = rows[0].length - 2 - people.length;
  const head = ['route', 'what it does', ...Array(beside).fill('token'), ...people];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function cellOf({ action, scopeWithoutOrganization }, who) {
  if (who === NOBODYS) return scopeWithoutOrganization ? 'yes' : '–';
  if (action === 'whoever holds the link') return 'by the link';
  if (action === 'whoever is signed in') return who === 'anonymous' || who === MACHINE ? '–' : 'yes';
  if (!ROLES.includes(who)) return '–';
  return mayInOrganization(action, who === 'custom role' ? 'member' : who) ? 'yes' : '–';
}
