/** One permission of a request, in words. */
interface ScopeDescription {
  readonly scope: string;
  readonly summary: string;
}

const standard: Readonly<Record<string, string>> = {
  openid: 'Know that it is you who signs in',
  profile: 'See your name',
  email: 'See your e-mail address',
  'account:read': 'See your account, how you sign in, your sessions, and the applications that you use',
  'account:write':
    'Change your name, end your sessions, end the access of applications, and, as long as it is for no organization, create or join one',
  'account:security':
    'Change your password, your e-mail address, and what else you sign in with, take out all of your data, and delete your account',
  'organization:read':
    'See your organization, its people, invitations, roles and settings, and take out all of its data, as far as you may',
  'organization:write':
    'Change your organization, its people, invitations, roles and settings, hand it over, leave it and delete it, as far as you may, and join or create others',
  offline_access: 'Keep this access while you are away, until it is withdrawn',
};

const verbs: Readonly<Record<string, (module: string) => string>> = {
  read: (module) => `See what your organization keeps in ${module}`,
  write: (module) => `Create and change things in ${module} on your behalf`,
  delete: (module) => `Delete things in ${module} on your behalf`,
  admin: (module) => `Administer ${module} for your organization`,
};

function capitalized(key: string): string {
  return key.charAt(0).toUpperCase() + key.slice(1).replaceAll('-', ' ');
}

function summaryOf(scope: string, moduleNames: ReadonlyMap<string, string>): string {
  if (Object.hasOwn(standard, scope)) return standard[scope] ?? scope;
  const [key = '', verb = '', ...rest] = scope.split(':');
  if (key === '' || verb === '' || rest.length > 0) return `Use the permission “${scope}”`;
  const name = moduleNames.get(key) ?? capitalized(key);
  const sentence = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  return sentence ? sentence(name) : `Use “${verb}” in ${name}`;
}

/**
 * A human sentence for each value of an OAuth `scope` parameter (RFC 6749 §3.3: separated by spaces).
 * @param moduleNames module key → name; without it the key, capitalized, stands for the name.
 */
export function scopeDescriptions(
  scope: string,
  moduleNames: ReadonlyMap<string, string> = new Map(),
): ScopeDescription[] {
  const values = new Set(scope.split(' ').filter((value) => value !== ''));
  return [...values].map((value) => ({ scope: value, summary: summaryOf(value, moduleNames) }));
}
