const KEY = /^[a-z][a-z0-9-]{0,62}$/;
const LONGEST_KEY = 63;

/** Names of our own and of what people take for it: nobody else is to be mistaken for them. */
const RESERVED = new Set(
  `about account accounts admin administrator api app apps assets auth billing blog console core-auth dashboard docs
   health help home id internal invitation invitations join launcher legal license licenses login logout mail new none
   null oauth oauth2 operator operators organization organizations owner password pricing privacy profile projects
   readiness register reports reset root security seller session sessions settings sign-in sign-out signup sso staff
   static status support system team test trial undefined user users v1 webhook webhooks well-known www`.split(
    /\s+/,
  ),
);

/** Organizations that readiness makes, looks at, and removes. */
const PROBES = 'readiness-probe-';

/** The key that a name suggests: its letters and digits without their accents; empty when it has none of ours. */
export function organizationKeyOf(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const words = plain.replaceAll('ß', 'ss').replace(/[^a-z0-9]+/g, '-');
  return words
    .replace(/^[^a-z]+/, '')
    .slice(0, LONGEST_KEY)
    .replace(/-+$/, '');
}

/** What is wrong with an organization's key, as a sentence; undefined when nothing is. */
export function organizationKeyProblem(key: string): string | undefined {
  if (!KEY.test(key)) {
    return 'A key is made of small letters, digits and hyphens, begins with a letter and has at most 63 characters.';
  }
  return RESERVED.has(key) || key.startsWith(PROBES)
    ? `The key “${key}” is reserved. Choose another.`
    : undefined;
}
