import type { SettingDescription } from '#platform';

/** What a module that runs by itself reads; `npm start` hands all of it to the two example modules. */
export const moduleSettings: readonly SettingDescription[] = [
  { name: 'NODE_ENV', description: '`development`, `test` or `production`.', default: 'development' },
  { name: 'HOST', description: 'Address to listen on.', default: '127.0.0.1; in production 0.0.0.0' },
  { name: 'PORT', description: 'Port to listen on.', default: '3001 (projects), 3002 (reports)' },
  {
    name: 'MODULE_URL',
    description:
      'Address by which browsers reach the module, without a path: the base URL that its redirect URIs begin with and the audience of its access tokens.',
    default: 'http://localhost:3001 or 3002; none in production',
    required: 'in production',
  },
  {
    name: 'CORE_AUTH_URL',
    description: 'Issuer: the address by which browsers reach Core Auth.',
    default: 'http://localhost:3000; none in production',
    required: 'in production',
  },
  {
    name: 'CORE_AUTH_INTERNAL_URL',
    description: 'Where the module itself reaches Core Auth, where that is another address (containers).',
    default: 'CORE_AUTH_URL',
  },
  { name: 'OAUTH_CLIENT_ID', description: 'The client of the module.', default: 'projects or reports' },
  {
    name: 'OAUTH_CLIENT_SECRET',
    description: 'Secret of that client, at least 32 characters.',
    secret: true,
    required: 'always',
  },
  {
    name: 'DATABASE_URL',
    description: 'projects only: the PostgreSQL that holds its schema `projects`.',
    secret: true,
    required: 'always',
  },
  {
    name: 'PROJECTS_URL',
    description: 'reports only: where the API of projects is.',
    default: 'http://localhost:3001; none in production',
    required: 'in production',
  },
  { name: 'LOG_LEVEL', description: 'trace, debug, info, warn, error, fatal or silent.', default: 'info' },
];
