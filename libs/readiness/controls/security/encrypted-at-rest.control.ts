import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';

const SAMPLE = 100;

/** By table. */
const MENDS: Readonly<Record<string, string>> = {
  keys: 'delete that row of keys and restart: the server makes a new key',
  webhooks: 'give that webhook a new secret, twice: POST /v1/webhooks/{id}/secret',
  mails: 'delete that row of mails, and have what it said sent again',
  totp_factors: 'delete that row, and let the person set the app up anew',
  sessions: 'set it to null: the session goes on, and its list names no device',
  pushed_requests: 'delete that row: the application pushes its request again',
};

/** What is secret in the tables opens with a key of the ring alone. */
export const encryptedAtRest: Control = {
  id: 'security.data.encrypted-at-rest',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(10),
  async verify({ security, keyEncryption }) {
    const rows = await security.encryptedRows(SAMPLE);
    if (rows.length === 0) return unknown('no encrypted row', 'keys, which the server makes at its start');
    for (const { column, key, context, envelope } of rows) {
      const where = `${column} of ${key}`;
      const [version, kid = ''] = envelope.split('.');
      if (version !== 'v1') {
        return failed('an envelope (v1.key id.…)', `${where} is none`, mend(column));
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
        return failed('an envelope without its plain text', `${where} contains it`, mend(column));
      }
    }
    return verified(
      `${rows.length} sampled rows of ${names(rows.map(({ column }) => column))}: envelopes under ${names(rows.map(({ envelope }) => envelope.split('.')[1] ?? ''))}`,
    );
  },
};

function mend(column: string): string {
  const [table = ''] = column.split('.');
  return MENDS[table] ?? 'find out who wrote it: no server does';
}

function names(all: readonly string[]): string {
  return [...new Set(all)].join(', ');
}

function holds(envelope: string, plain: Buffer): boolean {
  const parts = envelope.split('.').map((part) => Buffer.from(part, 'base64url'));
  return (
    ['latin1', 'base64', 'base64url', 'hex'].some((encoding) =>
      envelope.includes(plain.toString(encoding as BufferEncoding)),
    ) || parts.some((part) => part.includes(plain))
  );
}
