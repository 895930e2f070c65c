import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { eventually } from '../support/answers.js';
import { BuiltProcess } from '../support/built-process.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/ports.js';

jest.setTimeout(60_000);

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

  it('has said all of what keeps it from starting when it ends, however slowly its words are read', async () => {
    // more than a pipe takes at once
    const keys = 8000;
    const server = new BuiltProcess('dist/apps/server/main.js', {
      env: { CORE_AUTH_KEY_ENCRYPTION_KEYS: Array.from({ length: keys }, () => 'x').join(',') },
    });
    expect((await server.ended).code).toBe(1);
    expect(server.output.match(/CORE_AUTH_KEY_ENCRYPTION_KEYS, key \d+ must be/g)).toHaveLength(keys);
    expect(server.output).toMatch(/\n$/);
  });

  it('has written the whole log when it ends by a signal, to a reader who had stopped reading too', async () => {
    const migrated = await createDatabase();
    const port = await freePort();
    const server = new BuiltProcess('dist/apps/server/main.js', {
      env: {
        PORT: String(port),
        DATABASE_URL: migrated.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      },
    });
    try {
      const origin = `http://127.0.0.1:${port}`;
      await server.answers(`${origin}/health/live`);
      server.pause();
      const paths = Array.from({ length: 150 }, (_, index) => `/${'x'.repeat(6000)}-${index}-`);
      for (const path of paths) await (await fetch(origin + path)).text();
      server.signal('SIGTERM');
      await eventually(
        () =>
          fetch(origin).then(
            () => undefined,
            () => true,
          ),
        'the end of its listening',
      );
      server.resume();
      expect(await server.ended).toEqual({ code: 0, signal: null });
      expect(paths.filter((path) => !server.output.includes(path))).toEqual([]);
    } finally {
      await server.stop('SIGKILL');
      await migrated.drop();
    }
  });

  it('without a database says so at once, in one sentence', async () => {
    const { code, output } = await start(`postgres://nobody@127.0.0.1:${await freePort()}/none`);
    expect(code).toBe(1);
    expect(output).toMatch(/^PostgreSQL cannot be reached \(.*\)\. Check DATABASE_URL\.\n$/);
  });
});
