import type { KeyEncryption } from '#platform';
import { keyEnvelopeContext, type ListedKey } from '#tokens';
import { LaunchError } from './development/launch-error.js';

/**
 * Before a key is used or published: one that is encrypted under another key-encryption key than the servers have, no
 * server could open.
 * @throws LaunchError
 */
export function requireKeyEncryption(keys: readonly ListedKey[], encryption: KeyEncryption): void {
  const closed = keys.filter((key) => !opens(key, encryption)).map(({ kid }) => kid);
  if (closed.length === 0) return;
  throw new LaunchError(
    `CORE_AUTH_KEY_ENCRYPTION_KEYS does not open ${closed.join(', ')}: give it the value that the servers have.`,
  );
}

function opens(key: ListedKey, encryption: KeyEncryption): boolean {
  try {
    encryption.decrypt(key.secretEnvelope, keyEnvelopeContext(key));
    return true;
  } catch {
    return false;
  }
}
