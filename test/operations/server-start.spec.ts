import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { BuiltProcess } from '../support/built-process.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/ports.js';

describe('the server by itself', () => {
  let empty: TestDatabase;
  beforeAll(async () => {
    empty = await createDatabase({ empty: true });
  });
  afterAll(() => empty.drop());

  /** Started with these settings, it ends by itself. @returns its exit code and everything it said */
  const start = async (databaseUrl: string) => {
    const server = new BuiltProcess('dist/apps/server/main.js', {
      env: {
        NODE_ENV: 'production',
        PORT: String(await freePort()),
        HOST: '127.0.0.1',
        CORE_AUTH_URL: 'https://auth.example',
        DATABASE_URL: databaseUrl,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
        LOG_LEVEL: 'fatal',
      },
    });
    const { code } = await server.ended;
    return { code, output: server.output };
  };

  it('on a database that was not migrated says which command migrates it', async () => {
    expect(await start(empty.url)).toEqual({
      code: 1,
      output: 'The database has not been migrated. Run: node dist/apps/cli/main.js migrate\n',
    });
  });

  it('without a database says so at once, in one sentence', async () => {
    const { code, output } = await start(`postgres://nobody@127.0.0.1:${await freePort()}/none`);
    expect(code).toBe(1);
    expect(output).toMatch(/^PostgreSQL cannot be reached \(.*\)\. Check DATABASE_URL\.\n$/);
  });
});
