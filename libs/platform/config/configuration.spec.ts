import { afterAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from './configuration-error.js';
import { Configuration } from './configuration.js';

const key = () => randomBytes(32).toString('base64url');
const good = () => ({
  DATABASE_URL: 'postgres://user:pw@db.example/core',
  CORE_AUTH_KEY_ENCRYPTION_KEYS: `one:${key()}`,
});

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    Configuration.load(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

describe('the configuration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'configuration-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('what is needed is little, and the rest has its defaults', () => {
    expect(Configuration.load(good())).toMatchObject({
      environment: 'development',
      host: '127.0.0.1',
      port: 3000,
      issuer: 'http://localhost:3000',
      sessionIdleSeconds: 3600,
      sessionAbsoluteSeconds: 86_400,
      signInFailures: 5,
    });
    expect(Configuration.load(good()).secureCookies).toBe(false);
    expect(Configuration.load({ ...good(), PORT: '8080' }).issuer).toBe('http://localhost:8080');
  });

  it('production listens on every address, and asks for its https address', () => {
    const production = { ...good(), NODE_ENV: 'production' };
    expect(problemsOf(production)).toEqual(['CORE_AUTH_URL is not set']);
    expect(problemsOf({ ...production, CORE_AUTH_URL: 'http://auth.example' })).toEqual([
      'CORE_AUTH_URL must be https in production',
    ]);
    const loaded = Configuration.load({ ...production, CORE_AUTH_URL: 'https://auth.example' });
    expect(loaded).toMatchObject({ host: '0.0.0.0', secureCookies: true, production: true });
  });

  it('operators need a second factor in production unless told otherwise, and elsewhere when told so', () => {
    const production = { ...good(), NODE_ENV: 'production', CORE_AUTH_URL: 'https://auth.example' };
    const ruleOf = (env: NodeJS.ProcessEnv) => Configuration.load(env).operatorSecondFactor;
    expect([ruleOf(production), ruleOf(good())]).toEqual(['on', 'off']);
    expect(ruleOf({ ...production, CORE_AUTH_OPERATOR_SECOND_FACTOR: 'off' })).toBe('off');
    expect(ruleOf({ ...good(), CORE_AUTH_OPERATOR_SECOND_FACTOR: 'on' })).toBe('on');
    expect(problemsOf({ ...good(), CORE_AUTH_OPERATOR_SECOND_FACTOR: 'yes' })).toEqual([
      'CORE_AUTH_OPERATOR_SECOND_FACTOR must be on or off',
    ]);
  });

  it('every problem is named at once, missing, weak, wrong and unknown ones', () => {
    const problems = problemsOf({
      NODE_ENV: 'staging',
      PORT: '70000',
      CORE_AUTH_KEY_ENCRYPTION_KEYS: `weak:${Buffer.alloc(32, 1).toString('base64url')},short:${randomBytes(16).toString('base64url')}`,
      CORE_AUTH_URL: 'http://localhost:3000/',
      REDIS_URL: 'http://redis',
      LOG_LEVEL: 'loud',
      CORE_AUTH_SESSION_IDLE: '1 hour',
      CORE_AUTH_DATABASE_POOL_SIZE: '1',
      CORE_AUTH_TRUSTED_PROXIES: '10.0.0.0/8,proxy',
      CORE_AUTH_OUTBOUND_NETWORKS: '10.0.0.0/33,127.0.0.0/8',
      CORE_AUTH_SESION_ABSOLUTE: '86400',
    });
    const mentioned = [
      'NODE_ENV',
      'PORT',
      'DATABASE_URL',
      'CORE_AUTH_KEY_ENCRYPTION_KEYS, key 1',
      'CORE_AUTH_KEY_ENCRYPTION_KEYS, key 2',
      'CORE_AUTH_URL',
      'REDIS_URL',
      'LOG_LEVEL',
      'CORE_AUTH_SESSION_IDLE',
      'CORE_AUTH_DATABASE_POOL_SIZE',
      'CORE_AUTH_TRUSTED_PROXIES',
      'CORE_AUTH_OUTBOUND_NETWORKS: "10.0.0.0/33"',
      'CORE_AUTH_SESION_ABSOLUTE',
    ];
    for (const name of mentioned)
      expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
    expect(problems).toHaveLength(mentioned.length);
  });

  it('the message lists every problem and shows no secret', () => {
    const secret = randomBytes(31).toString('base64url');
    const password = 'hunter2hunter2';
    let message = '';
    try {
      Configuration.load({
        CORE_AUTH_KEY_ENCRYPTION_KEYS: `one:${secret}`,
        DATABASE_URL: `mysql://root:${password}@db`,
      });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('CORE_AUTH_KEY_ENCRYPTION_KEYS, key 1 must be 32 bytes, not 31');
    expect(message).toContain('DATABASE_URL must be a postgres:// URL');
    expect(message).not.toContain(secret);
    expect(message).not.toContain(password);
  });

  it.each([
    ['no key', ''],
    ['no kid', key()],
    ['an empty kid', `:${key()}`],
    ['a key in another encoding', `one:${randomBytes(32).toString('hex')}`],
    ['a key that is too short', `one:${randomBytes(31).toString('base64url')}`],
    ['a key that is too long', `one:${randomBytes(33).toString('base64url')}`],
    ['a key that is not random', `one:${Buffer.from('a'.repeat(32)).toString('base64url')}`],
    ['a key with letters of no alphabet', `one:${'*'.repeat(43)}`],
    ['one kid twice', `one:${key()},one:${key()}`],
    ['a part too many', `one:${key()}:x`],
  ])('a key ring with %s does not start', (_, ring) => {
    expect(problemsOf({ ...good(), CORE_AUTH_KEY_ENCRYPTION_KEYS: ring }).length).toBeGreaterThan(0);
  });

  it('a key ring keeps its order: the first key encrypts', () => {
    const { keyEncryptionKeys } = Configuration.load({
      ...good(),
      CORE_AUTH_KEY_ENCRYPTION_KEYS: `new:${key()}, old:${key()}`,
    });
    expect(keyEncryptionKeys.map(({ kid, secret }) => [kid, secret.length])).toEqual([
      ['new', 32],
      ['old', 32],
    ]);
  });

  it('a misspelled setting is told, with what it may have meant; variables of others are not ours', () => {
    expect(problemsOf({ ...good(), CORE_AUTH_SESSIONIDLE: '60' })).toEqual([
      'CORE_AUTH_SESSIONIDLE is not a setting; did you mean CORE_AUTH_SESSION_IDLE?',
    ]);
    expect(problemsOf({ ...good(), CORE_AUTH_NONSENSE: '1' })).toEqual([
      'CORE_AUTH_NONSENSE is not a setting',
    ]);
    expect(
      problemsOf({
        ...good(),
        PATH: '/bin',
        CORE_AUTH_PORT_3000_TCP: 'tcp://10.0.0.1:3000',
        CORE_AUTH_SERVICE_HOST: '10.0.0.1',
      }),
    ).toEqual([]);
  });

  it.each([
    'http://auth.example/path',
    'https://auth.example/',
    'https://auth.example?x',
    'https://user@auth.example',
    'ftp://auth.example',
    'auth.example',
  ])('an issuer that is no origin does not start: %s', (url) => {
    expect(problemsOf({ ...good(), CORE_AUTH_URL: url })).toEqual([expect.stringMatching(/^CORE_AUTH_URL /)]);
  });

  it('a secret comes from the file that NAME_FILE names, without its last line break', () => {
    const file = join(folder, 'keys');
    writeFileSync(file, `one:${key()}\n`);
    const rest = { DATABASE_URL: good().DATABASE_URL };
    expect(
      Configuration.load({ ...rest, CORE_AUTH_KEY_ENCRYPTION_KEYS_FILE: file }).keyEncryptionKeys,
    ).toHaveLength(1);
    const url = join(folder, 'url');
    writeFileSync(url, 'postgres://u:p@db/core\n');
    const { databaseUrl } = Configuration.load({
      CORE_AUTH_KEY_ENCRYPTION_KEYS_FILE: file,
      DATABASE_URL_FILE: url,
    });
    expect(databaseUrl).toBe('postgres://u:p@db/core');
    expect(problemsOf({ ...good(), CORE_AUTH_KEY_ENCRYPTION_KEYS_FILE: file })).toEqual([
      'CORE_AUTH_KEY_ENCRYPTION_KEYS and CORE_AUTH_KEY_ENCRYPTION_KEYS_FILE are both set; keep one',
    ]);
    const missing = problemsOf({ ...rest, CORE_AUTH_KEY_ENCRYPTION_KEYS_FILE: join(folder, 'missing') });
    expect(missing).toContain('CORE_AUTH_KEY_ENCRYPTION_KEYS_FILE cannot be read: ENOENT');
  });

  it('a list of numbers is read as numbers', () => {
    const setting = { CORE_AUTH_LICENSE_ENDING_DAYS: '30, 3' };
    expect(Configuration.load({ ...good(), ...setting }).licenseEndingDays).toEqual([30, 3]);
    expect(Configuration.load(good()).licenseEndingDays).toEqual([14, 7, 1]);
  });

  it('what is no secret has no file, and an empty value counts as not set', () => {
    expect(problemsOf({ ...good(), CORE_AUTH_URL_FILE: '/x' })).toHaveLength(1);
    const { port, redisUrl } = Configuration.load({ ...good(), PORT: '', REDIS_URL: '' });
    expect([port, redisUrl]).toEqual([3000, undefined]);
  });

  it.each([
    ['PORT', '3000.5'],
    ['PORT', '-1'],
    ['PORT', '0x10'],
    ['PORT', ' 3000'],
    ['CORE_AUTH_SIGN_IN_FAILURES', '2'],
    ['CORE_AUTH_RATE_LIMIT_SIGN_IN', '0'],
    ['CORE_AUTH_DATABASE_CONNECT_TIMEOUT', '60000'],
    ['CORE_AUTH_DATABASE_STATEMENT_TIMEOUT', '0'],
    ['CORE_AUTH_SESSION_ABSOLUTE', '9999999999'],
    ['CORE_AUTH_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['HOST', 'two words'],
    ['CORE_AUTH_LICENSE_ENDING_DAYS', '14;7'],
    ['CORE_AUTH_LICENSE_ENDING_DAYS', '14,,7'],
    ['CORE_AUTH_LICENSE_ENDING_DAYS', '0'],
    ['CORE_AUTH_LICENSE_ENDING_DAYS', '366'],
    ['CORE_AUTH_LICENSE_ENDING_DAYS', '7,-1'],
    ['CORE_AUTH_LICENSE_ENDING_DAYS', '1,2,3,4,5,6,7,8,9,10,11'],
  ])('%s=%s does not start', (name, value) => {
    expect(problemsOf({ ...good(), [name]: value })).toEqual([expect.stringContaining(name)]);
  });

  it('an idle time beyond the absolute one does not start; demonstration accounts do not in production', () => {
    expect(
      problemsOf({ ...good(), CORE_AUTH_SESSION_IDLE: '7200', CORE_AUTH_SESSION_ABSOLUTE: '3600' }),
    ).toEqual(['CORE_AUTH_SESSION_IDLE must not exceed CORE_AUTH_SESSION_ABSOLUTE']);
    const production = { ...good(), NODE_ENV: 'production', CORE_AUTH_URL: 'https://auth.example' };
    expect(problemsOf({ ...production, CORE_AUTH_DEMO_ACCOUNTS: 'a@b.example' })).toHaveLength(1);
  });
});
