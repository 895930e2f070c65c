import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually, startedAt } from '../../apps/cli/development/processes.js';
import { Launcher, launcherPorts, runs, temporaryFolder, type Folder, type Ports } from './launcher.js';

jest.setTimeout(120_000);

/** One folder lives through all of this, in order, as on a developer's machine. */
describe('npm start on one folder', () => {
  let folder: Folder;
  let ports: Ports;
  let launcher: Launcher | undefined;

  const start = (env: Record<string, string> = {}, on: Ports = ports) =>
    (launcher = new Launcher(on, { DATA_DIR: join(folder.path, 'data'), ...env }));
  const data = (...names: string[]) => join(folder.path, 'data', ...names);
  const socketFolder = () => readFileSync(data('postgres', 'postmaster.pid'), 'utf8').split('\n')[4] ?? '';

  /** What the database says of the two modules, asked as the launcher's own user. */
  const addresses = async () => {
    const { databasePassword } = JSON.parse(readFileSync(data('secrets.json'), 'utf8')) as Record<
      string,
      string
    >;
    const client = new Client({
      host: socketFolder(),
      user: 'core_auth',
      database: 'postgres',
      password: databasePassword,
    });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(
      `SELECT base_url, backchannel_logout_uri, redirect_uris
         FROM modules JOIN clients ON module_key = modules.key ORDER BY modules.key`,
    );
    await client.end();
    return rows;
  };

  beforeAll(async () => {
    folder = temporaryFolder();
    ports = await launcherPorts();
  });

  afterEach(async () => {
    await launcher?.stop();
  });

  afterAll(() => folder.remove());

  it('prints addresses, accounts, the password and one line that begins with ready', async () => {
    const running = await start().untilReady();
    for (const port of Object.values(ports)) expect(running.output).toContain(`http://localhost:${port}`);
    for (const account of ['owner@acme.example', 'admin@globex.example', 'consultant@partners.example']) {
      expect(running.output).toContain(account);
    }
    expect(running.password?.length).toBeGreaterThanOrEqual(15);
    expect(running.output.trim().split('\n').at(-1)).toMatch(/^ready/);
    expect((await fetch(`${running.issuer}/.well-known/openid-configuration`)).status).toBe(200);
  });

  it('keeps its secrets in files that nobody else may read', () => {
    expect(statSync(data('secrets.json')).mode & 0o777).toBe(0o600);
    expect(statSync(data('postgres')).mode & 0o777).toBe(0o700);
    expect(statSync(data('logs')).mode & 0o077).toBe(0);
  });

  it('finds its data again, prints the same password and signs with the same key', async () => {
    const first = await start().untilReady();
    const keys = await keyIds(first);
    const { password } = first;
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    const second = await start().untilReady();
    expect(second.password).toBe(password);
    expect(await keyIds(second)).toEqual(keys);
  });

  it('ends everything on Ctrl-C, its children and its database, with exit code 0', async () => {
    const running = await start().untilReady();
    const sockets = socketFolder();
    expect(existsSync(sockets)).toBe(true);
    expect(await running.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(running.output.trim().split('\n').at(-1)).toBe('Stopped.');
    expect(runs(data('postgres'))).toBe(false);
    expect(existsSync(sockets)).toBe(false);
    for (const port of Object.values(ports))
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  it('refuses a second start on the same folder while the first runs', async () => {
    const first = await start().untilReady();
    const second = new Launcher(ports, { DATA_DIR: data() });
    expect(await second.ended).toMatchObject({ code: 1 });
    expect(second.output).toContain(`Core Auth is running already on ${data()} (process ${first.pid})`);
    expect((await fetch(`${first.issuer}/health/live`)).status).toBe(200);
  });

  it('moves to other ports: clients and modules are registered under the new addresses', async () => {
    const moved = await launcherPorts();
    const running = await start({}, moved).untilReady();
    expect(running.output).toContain(`http://localhost:${moved.projects}`);
    expect(await addresses()).toEqual([
      {
        base_url: `http://localhost:${moved.projects}`,
        backchannel_logout_uri: `http://localhost:${moved.projects}/auth/back-channel-logout`,
        redirect_uris: [`http://localhost:${moved.projects}/auth/callback`],
      },
      {
        base_url: `http://localhost:${moved.reports}`,
        backchannel_logout_uri: `http://localhost:${moved.reports}/auth/back-channel-logout`,
        redirect_uris: [`http://localhost:${moved.reports}/auth/callback`],
      },
    ]);
  });

  it('leaves no child behind when it is killed, and starts again', async () => {
    const killed = await start().untilReady();
    const { password } = killed;
    const children = ['server', 'projects', 'reports'].map((name) => killed.childPid(`apps/${name}/main.js`));
    killed.signal('SIGKILL');
    await killed.ended;
    expect(await eventually(() => children.every((pid) => startedAt(pid) === undefined), 15_000)).toBe(true);
    const again = await start().untilReady();
    expect(again.password).toBe(password);
  });

  it('recovers when its database was killed with it', async () => {
    const killed = await start().untilReady();
    const postgres = killed.childPid(data('postgres'));
    process.kill(postgres, 'SIGKILL');
    killed.signal('SIGKILL');
    await killed.ended;
    await start().untilReady();
  });

  it('ends everything with one sentence when a program dies', async () => {
    const running = await start().untilReady();
    process.kill(running.childPid('apps/reports/main.js'), 'SIGKILL');
    expect(await running.ended).toMatchObject({ code: 1 });
    expect(running.output).toContain('The module reports stopped by itself (SIGKILL).');
    expect(runs(data('postgres'))).toBe(false);
  });

  it('says that the secrets are gone rather than making others that open nothing', async () => {
    renameSync(data('secrets.json'), data('elsewhere.json'));
    try {
      const refused = start();
      expect(await refused.ended).toMatchObject({ code: 1 });
      expect(refused.output).toContain('the secrets that belong to it are gone');
    } finally {
      renameSync(data('elsewhere.json'), data('secrets.json'));
    }
  });
});

async function keyIds(launcher: Launcher): Promise<string[]> {
  const response = await fetch(`${launcher.issuer}/oauth2/jwks`);
  const { keys } = (await response.json()) as { keys: { kid: string }[] };
  expect(keys.length).toBeGreaterThan(0);
  return keys.map(({ kid }) => kid);
}
