import type { KeyKind, ListedKey, Revocation, Rotation } from '#tokens';

const NOUN = {
  signing: 'signing key',
  mac: 'MAC key',
  encryption: 'encryption key',
  license: 'license key',
} as const;

/** One line for each key; what a person has to do about it, below. */
export function describeKeys(keys: readonly ListedKey[], keyEncryptionKids: readonly string[]): string {
  if (keys.length === 0) return 'There are no keys yet: the server makes them at its first start.';
  const rows = keys.map((key) => [
    key.kid,
    key.purpose,
    key.algorithm,
    stateOf(key),
    envelopeKeyOf(key.secretEnvelope),
  ]);
  const table = [['kid', 'purpose', 'algorithm', 'state', 'encrypted under'], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [first] = keyEncryptionKids;
  const behind = keys.filter(({ secretEnvelope }) => envelopeKeyOf(secretEnvelope) !== first).length;
  const next =
    behind === 0
      ? []
      : ['', `${behind} of them are not under the first key-encryption key "${first}": run keys rewrap.`];
  return [...lines, ...next].join('\n');
}

export function describeRotation(kind: KeyKind, rotation: Rotation): string {
  const noun = nounOf(kind);
  if (rotation.published) {
    const rest =
      kind.purpose === 'license'
        ? 'Carry the public keys (GET /.well-known/core-auth-license-keys) to every instance before you issue a file that it signs.'
        : 'Nothing else has to be done.';
    return (
      `Published ${noun} ${rotation.kid}. It signs from ${timeOf(rotation.signsFrom)}; ` +
      `the present key verifies until ${timeOf(rotation.predecessorUntil)} and is deleted then. ${rest}`
    );
  }
  const { waiting } = rotation;
  if (!waiting) return `There is no ${noun} yet: the server makes it at its first start.`;
  return waiting.state === 'published'
    ? `No ${noun} was published: ${waiting.kid} has been, and signs from ${timeOf(waiting.signsFrom)}. Rotate again after that.`
    : `No ${noun} was published: ${waiting.kid} has just taken over. Look at keys list before you rotate again.`;
}

export function describeRevocation(kid: string, revocation: Revocation): string {
  if (revocation.outcome === 'unknown') return `There is no key ${kid}; nothing was changed. See keys list.`;
  const { revoked } = revocation;
  const lines = [
    `The ${nounOf(revoked)} ${kid} verifies nothing from now on: ${consequence[revoked.purpose]}`,
  ];
  if (revocation.outcome === 'deleted') {
    lines.push('It did not sign any more; the key that does is the same as before.');
  } else if (revocation.successor.state === 'signs') {
    lines.push(`${revocation.successor.kid} signs in its place, at every server within a second.`);
    if (revoked.purpose === 'signing') {
      lines.push(
        'Who caches the JWKS and does not read it again for an unknown kid refuses new tokens for up to five minutes.',
      );
    }
  } else {
    lines.push(
      `${revocation.successor.kid} is published in its place and signs from ${timeOf(revocation.successor.signsFrom)}.`,
    );
  }
  lines.push('If the key may have been stolen, look in audit_events for what was done by what it made.');
  return lines.join('\n');
}

/** What stops working with a key of each purpose. */
const consequence = {
  signing: 'access tokens, ID tokens and logout tokens that it signed are refused.',
  mac: 'codes and refresh tokens that were made with it are refused; those people sign in again.',
  encryption: 'opaque access tokens that were made with it are refused.',
  license:
    'it is gone from the public license keys; an instance without a network refuses files that it signed once its keys are replaced. Issue them again.',
} as const;

function nounOf({ purpose, algorithm }: KeyKind): string {
  return purpose === 'signing' ? `${algorithm} ${NOUN[purpose]}` : NOUN[purpose];
}

function stateOf({ state, signsFrom, verifiesUntil }: ListedKey): string {
  const until = verifiesUntil === null ? '' : `, verifies until ${timeOf(verifiesUntil)}`;
  switch (state) {
    case 'published':
      return `published, signs from ${timeOf(signsFrom)}`;
    case 'signs':
      return `signs${until}`;
    case 'verifies':
      return `verifies until ${verifiesUntil === null ? 'it is replaced' : timeOf(verifiesUntil)}`;
    case 'expired':
      return 'expired, about to be deleted';
  }
}

function envelopeKeyOf(envelope: string): string {
  return envelope.split('.')[1] ?? '';
}

function timeOf(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}
