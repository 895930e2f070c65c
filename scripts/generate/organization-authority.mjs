// docs/reference/organization-authority.md: who may call which page of an organization.
import 'reflect-metadata';
import { mayInOrganization } from '../../dist/libs/accounts/index.js';
import { organizationRoutes } from '../../dist/apps/server/organization/organization-routes.js';

const ROLES = ['owner', 'administrator', 'billing', 'member'];
/** Who is none of the organization's people, whatever else they are. */
const STRANGERS = ['administrator of another organization', 'operator', 'anonymous'];

export function organizationAuthority() {
  const head = ['route', 'what it does', ...ROLES, ...STRANGERS];
  const rows = organizationRoutes().map(({ method, path, summary, action }) => [
    `\`${method} ${path}\``,
    summary,
    ...cellsOf(action),
  ]);
  return [
    '# Who may do what in an organization',
    '',
    'Made from the code by `npm run generate`; do not edit.',
    '',
    'These are pages: who calls them is known by the session, and the organization is the one for which the person acts, never one that an address or a form names. What the person is there is looked up at each request, and again by the statement that changes something. A role that an organization made of permissions counts as member here. An operator administers licenses at `/console/licenses`, and no organization’s people.',
    '',
    'A form names the organization that it was shown for: sent while the person acts for another, it changes nothing. Who holds the link of an invitation may accept it as the address that it was sent to, and as no other.',
    '',
    row(head),
    row(head.map(() => '---')),
    ...rows.map(row),
    '',
  ].join('\n');
}

function cellsOf(action) {
  if (action === 'whoever holds the link') return [...ROLES, ...STRANGERS].map(() => 'by the link');
  if (action === 'whoever is signed in') {
    return [...ROLES.map(() => 'yes'), ...STRANGERS.map((who) => (who === 'anonymous' ? '–' : 'yes'))];
  }
  return [
    ...ROLES.map((role) => (mayInOrganization(action, role) ? 'yes' : '–')),
    ...STRANGERS.map(() => '–'),
  ];
}

const row = (cells) => `| ${cells.join(' | ')} |`;
