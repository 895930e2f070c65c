import { readdir, readFile, stat } from 'node:fs/promises';
import { settings, type Configuration } from '#platform';
import { failed, minutes, seconds, unknown, type Control } from '../../control.js';
import { parseDatabaseUrl } from '../config/database-address.js';

/** Words that stand in examples and nowhere else. */
const EXAMPLE =
  /change.?me|example|secret|password|postgres|insecure|dummy|placeholder|your-|xxxx|0000|1234|abcd/i;
const OWNER_ONLY = 0o177;
const LEAST_BITS = 256;

/** Secrets come from the environment or a private file, are random, and stand in no argument list. */
export const secretsStored: Control = {
  id: 'security.data.secrets-stored',
  kind: 'boot',
  timeout: seconds(5),
  interval: minutes(10),
  async verify({ configuration, env }) {
    const open = await readableFiles(env);
    if (open.length > 0) {
      return failed(
        'files of secrets that their owner alone may read (0600)',
        `open to others: ${open.join(', ')}`,
        `chmod 600 the file${open.length > 1 ? 's' : ''} named by ${open.join(', ')}`,
      );
    }
    const weak = configuration.keyEncryptionKeys.filter(
      ({ secret }) => secret.length * 8 < LEAST_BITS || isTyped(secret),
    );
    if (weak.length > 0) {
      return failed(
        `keys of ${LEAST_BITS} random bits`,
        `too short or an example: key ${weak.map(({ kid }) => kid).join(', ')} of CORE_AUTH_KEY_ENCRYPTION_KEYS`,
        'put a new key first: node -p "crypto.randomBytes(32).toString(\'base64url\')"',
      );
    }
    const passwords = passwordsOf(configuration).filter(({ password }) => EXAMPLE.test(password));
    if (passwords.length > 0) {
      return failed(
        'passwords that stand in no example',
        `an example in ${passwords.map(({ setting }) => setting).join(', ')}`,
        'set a random password there',
      );
    }
    const exposed = await inArgumentLists(configuration);
    if (exposed !== undefined && exposed.length > 0) {
      return failed(
        'no secret in an argument list',
        `seen in the arguments of process ${exposed.join(', ')}`,
        'pass secrets by the environment or a file, never as arguments',
      );
    }
    const listed = exposed === undefined ? '' : '; none in an argument list';
    return unknown(
      `${configuration.keyEncryptionKeys.length} keys of ${LEAST_BITS} bits or more, no example, files private${listed}`,
      `the collected log, to look for secrets in it${exposed === undefined ? '; the argument lists (/proc)' : ''}`,
    );
  },
};

async function readableFiles(env: NodeJS.ProcessEnv): Promise<string[]> {
  const names = settings()
    .filter(({ secret }) => secret)
    .map(({ name }) => `${name}_FILE`);
  const open: string[] = [];
  for (const name of names) {
    const file = env[name];
    if (file && ((await stat(file)).mode & OWNER_ONLY) !== 0) open.push(name);
  }
  return open;
}

/** A key made of text or of few different bytes was typed, not drawn. */
function isTyped(secret: Buffer): boolean {
  return new Set(secret).size < 16 || secret.every((byte) => byte >= 0x20 && byte < 0x7f);
}

function passwordsOf({ databaseUrl, redisUrl }: Configuration): { setting: string; password: string }[] {
  return [
    { setting: 'DATABASE_URL', password: parseDatabaseUrl(databaseUrl).password },
    { setting: 'REDIS_URL', password: redisUrl ? decodeURIComponent(new URL(redisUrl).password) : '' },
  ].filter(({ password }) => password !== '');
}

/** Processes of this machine whose arguments hold one of our secrets; undefined where /proc does not tell. */
async function inArgumentLists(configuration: Configuration): Promise<string[] | undefined> {
  const secrets = [
    ...configuration.keyEncryptionKeys.map(({ secret }) => secret.toString('base64url')),
    ...passwordsOf(configuration).map(({ password }) => password),
  ].filter((secret) => secret.length >= 12);
  const processes = await readdir('/proc').catch(() => undefined);
  if (!processes) return undefined;
  const found: string[] = [];
  for (const pid of processes.filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (secrets.some((secret) => line.includes(secret))) found.push(pid);
  }
  return found;
}
