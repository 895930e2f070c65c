import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';

const SAMPLE = 100;

/** What is secret in the tables opens with a key of the ring alone. */
export const encryptedAtRest: Control = {
  id: 'security.data.encrypted-at-rest',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(10),
  async verify({ security, keyEncryption }) {
    const rows = await security.encryptedRows(SAMPLE);
    if (rows.length === 0) return unknown('no row in keys.secret_envelope', 'a row of each encrypted column');
    for (const { column, key, context, envelope } of rows) {
      const where = `${column} of ${key}`;
      const [version, kid = ''] = envelope.split('.');
      if (version !== 'v1') {
        return failed(
          'an envelope (v1.key id.…)',
          `${where} is none`,
          `delete that row of keys; the server makes a new key at its next start`,
        );
      }
      if (!keyEncryption.kids.includes(kid)) {
        return failed(
          `a key-encryption key of the ring (${keyEncryption.kids.join(', ')})`,
          `${where} is under "${kid}"`,
          'put that key back into CORE_AUTH_KEY_ENCRYPTION_KEYS, behind the first, until its rows are gone',
        );
      }
      const plain = keyEncryption.decrypt(envelope, context);
      if (holds(envelope, plain)) {
        return failed(
          'an envelope without its plain text',
          `${where} contains it`,
          'delete that row of keys and restart',
        );
      }
    }
    return verified(
      `${rows.length} sampled rows of keys.secret_envelope (the one encrypted column): envelopes under ${[...new Set(rows.map(({ envelope }) => envelope.split('.')[1]))].join(', ')}`,
    );
  },
};

function holds(envelope: string, plain: Buffer): boolean {
  const parts = envelope.split('.').map((part) => Buffer.from(part, 'base64url'));
  return (
    ['latin1', 'base64', 'base64url', 'hex'].some((encoding) =>
      envelope.includes(plain.toString(encoding as BufferEncoding)),
    ) || parts.some((part) => part.includes(plain))
  );
}
