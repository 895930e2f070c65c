import type { Role } from '#accounts';
import type { NewFeature } from '#licensing';
import type { NewClient } from '#oauth';
import type { ModuleKey } from './launcher-settings.js';

interface DemonstrationAccount {
  readonly email: string;
  readonly name: string;
  readonly roles: Readonly<Record<string, Role>>;
  /** Whether they run the seller's side too. */
  readonly operator?: boolean;
  /** What one sees by signing in as this person. */
  readonly shows: string;
}

export const organizations = [
  { key: 'acme', name: 'Acme Corporation' },
  { key: 'globex', name: 'Globex' },
] as const;

export const accounts: readonly DemonstrationAccount[] = [
  {
    email: 'owner@acme.example',
    name: 'Olivia Moreno',
    roles: { acme: 'owner' },
    shows: 'both modules',
  },
  {
    email: 'administrator@acme.example',
    name: 'Adam Novak',
    roles: { acme: 'administrator' },
    shows: 'both modules',
  },
  {
    email: 'member@acme.example',
    name: 'Mia Chen',
    roles: { acme: 'member' },
    shows: 'both modules',
  },
  {
    email: 'billing@acme.example',
    name: 'Ben Okafor',
    roles: { acme: 'billing' },
    shows: 'no seat for reports',
  },
  {
    email: 'admin@globex.example',
    name: 'Grace Lindholm',
    roles: { globex: 'administrator' },
    shows: 'no license for reports, five projects',
  },
  {
    email: 'member@globex.example',
    name: 'Gus Park',
    roles: { globex: 'member' },
    shows: 'no license for reports, five projects',
  },
  {
    email: 'consultant@partners.example',
    name: 'Carla Reyes',
    roles: { acme: 'member', globex: 'member' },
    operator: true,
    shows: 'a choice of organization, and the licenses of all',
  },
];

export const modules: readonly {
  readonly key: ModuleKey;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Of its client, beside those by which people sign in. */
  readonly grantTypes?: NewClient['grantTypes'];
  readonly features: readonly Pick<NewFeature, 'key' | 'type' | 'period'>[];
  /** Of owners and administrators, who make roles of them. */
  readonly permissions?: readonly string[];
}[] = [
  {
    key: 'projects',
    name: 'Projects',
    scopes: ['projects:read', 'projects:write'],
    features: [
      { key: 'projects', type: 'limit' },
      { key: 'export', type: 'boolean' },
    ],
    permissions: ['archive'],
  },
  {
    key: 'reports',
    name: 'Reports',
    // its charts are made of the person's projects, by the person's token
    scopes: ['reports:read', 'projects:read'],
    grantTypes: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    features: [
      { key: 'export', type: 'boolean' },
      { key: 'rendered-reports', type: 'metered', period: 'month' },
    ],
  },
];

/** A program without a browser of its own, which people let in by a code. */
export const commandLine: NewClient = {
  id: 'projects-cli',
  name: 'Projects command line',
  tokenEndpointAuthMethod: 'none',
  grantTypes: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  redirectUris: [],
  scopes: ['openid', 'profile', 'offline_access', 'projects:read'],
  firstParty: true,
};

/** What sells and ends licenses over HTTP, as an operator does. */
export const billing: NewClient = {
  id: 'billing',
  name: 'Billing system',
  grantTypes: ['client_credentials'],
  redirectUris: [],
  scopes: ['licensing:read', 'licensing:write'],
  firstParty: true,
};

/** A null value is unlimited. */
export const plans = [
  {
    key: 'projects-team',
    name: 'Projects Team',
    module: 'projects',
    features: { projects: 5, export: false },
  },
  {
    key: 'projects-business',
    name: 'Projects Business',
    module: 'projects',
    features: { projects: null, export: true },
  },
  {
    key: 'reports-standard',
    name: 'Reports Standard',
    module: 'reports',
    features: { export: true, 'rendered-reports': 1000 },
  },
] as const;

type PlanKey = (typeof plans)[number]['key'];

export const licenses: readonly {
  readonly organization: string;
  readonly plan: PlanKey;
  /** Named seats of these people; without any, that many may come at the same time. */
  readonly seats?: { readonly limit: number; readonly emails?: readonly string[] };
}[] = [
  { organization: 'acme', plan: 'projects-business' },
  {
    organization: 'acme',
    plan: 'reports-standard',
    seats: {
      limit: 5,
      emails: [
        'owner@acme.example',
        'administrator@acme.example',
        'member@acme.example',
        'consultant@partners.example',
      ],
    },
  },
  { organization: 'globex', plan: 'projects-team', seats: { limit: 2 } },
];
