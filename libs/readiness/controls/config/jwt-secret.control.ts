import { createHash } from 'node:crypto';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';

const LEAST_BYTES = 32;

/** Both key rings: long enough, each key once, with one that is active. */
export const jwtSecret: Control = {
  id: 'config.env.jwt-secret',
  kind: 'boot',
  timeout: seconds(5),
  interval: minutes(10),
  async verify({ configuration, security, keyEncryption, clock }) {
    const encryption = configuration.keyEncryptionKeys.map(({ kid, secret }) => ({
      name: `key-encryption key ${kid}`,
      secret,
    }));
    const rows = await security.macKeys(clock.now());
    const foreign = rows.find(({ envelope }) => !keyEncryption.kids.includes(envelope.split('.')[1] ?? ''));
    if (foreign) {
      return failed(
        'MAC keys that the ring opens',
        `MAC key ${foreign.key} is under another key`,
        'put that key back into CORE_AUTH_KEY_ENCRYPTION_KEYS',
      );
    }
    const mac = rows.map(({ key, context, envelope }) => ({
      name: `MAC key ${key}`,
      secret: keyEncryption.decrypt(envelope, context),
    }));
    const mend =
      'put a new key first in CORE_AUTH_KEY_ENCRYPTION_KEYS: node -p "crypto.randomBytes(32).toString(\'base64url\')"';
    const short = [...encryption, ...mac].filter(({ secret }) => secret.length < LEAST_BYTES);
    if (short.length > 0)
      return failed('256 bits or more each', `shorter: ${short.map(({ name }) => name).join(', ')}`, mend);
    const seen = new Map<string, string>();
    for (const { name, secret } of [...encryption, ...mac]) {
      const digest = createHash('sha256').update(secret).digest('hex');
      const other = seen.get(digest);
      if (other !== undefined) return failed('each key used once', `${other} and ${name} are the same`, mend);
      seen.set(digest, name);
    }
    if (encryption.length === 0 || !rows.some(({ active }) => active)) {
      return failed(
        'an active key in each ring',
        `${encryption.length} key-encryption keys, no active MAC key`,
        'restart the server: it makes the key that is missing',
      );
    }
    return verified(
      `${encryption.length} key-encryption and ${mac.length} MAC keys, 256 bits or more each, all distinct, one active each; none has an end that has passed`,
    );
  },
};
