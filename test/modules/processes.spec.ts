import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuiltProcess } from '../support/built-process.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/ports.js';

const SECRET = 's'.repeat(43);

describe.each(['projects', 'reports'])('the process of %s', (name) => {
  let database: TestDatabase;
  let folder: string;
  let port: number;
  let env: Record<string, string>;

  beforeAll(async () => {
    database = await createDatabase({ empty: true });
    folder = mkdtempSync(join(tmpdir(), 'module-'));
    port = await freePort();
    env = {
      PORT: String(port),
      MODULE_URL: `http://localhost:${port}`,
      CORE_AUTH_URL: 'http://127.0.0.1:9',
      OAUTH_CLIENT_SECRET: SECRET,
      ...(name === 'projects' ? { DATABASE_URL: database.url } : {}),
    };
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  const start = (values: Record<string, string>) =>
    new BuiltProcess(`dist/apps/${name}/main.js`, { env: values });

  it('serves, and ends cleanly when it is asked to, Core Auth or not', async () => {
    const running = start(env);
    await running.answers(`http://127.0.0.1:${port}/health/live`);
    expect(await running.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('reads its secret from the file that NAME_FILE names', async () => {
    const file = join(folder, 'secret');
    writeFileSync(file, `${SECRET}\n`);
    const values: Record<string, string> = { ...env, OAUTH_CLIENT_SECRET_FILE: file };
    delete values['OAUTH_CLIENT_SECRET'];
    const running = start(values);
    await running.answers(`http://127.0.0.1:${port}/health/live`);
    await running.stop();
  });

  it('names every setting that is missing or wrong, in one message', async () => {
    const failing = start({ PORT: '70000', MODULE_URL: 'nowhere', OAUTH_CLIENT_SECRET: 'short' });
    expect((await failing.ended).code).toBe(1);
    for (const each of ['PORT', 'MODULE_URL', 'OAUTH_CLIENT_SECRET']) expect(failing.output).toContain(each);
    expect(failing.output).not.toContain('    at ');
  });

  it('says in one sentence that its port is taken', async () => {
    const holder: Server = createServer();
    await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
    const failing = start(env);
    expect((await failing.ended).code).toBe(1);
    expect(failing.output).toContain(`${name}: Port ${port} is taken`);
    await new Promise((resolve) => holder.close(resolve));
  });
});
