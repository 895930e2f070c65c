import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuiltProcess } from '../support/built-process.js';
import { createDatabase } from '../support/database.js';
import { Launcher, launcherPorts, temporaryFolder, type Folder } from './launcher.js';

jest.setTimeout(120_000);

describe('commands without a DATABASE_URL, beside npm start', () => {
  let folder: Folder;
  let launcher: Launcher;
  const data = (...names: string[]) => join(folder.path, 'data', ...names);

  beforeAll(async () => {
    folder = temporaryFolder();
    launcher = await new Launcher(await launcherPorts(), { DATA_DIR: data() }).untilReady();
  });
  afterAll(async () => {
    await launcher.stop();
    folder.remove();
  });

  async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args,
      env: { DATA_DIR: data(), ...env },
      cwd: folder.path,
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }
  const notRunning = () =>
    `DATABASE_URL is not set, and no development system runs on ${data()}. Start it with "npm start", name its folder with DATA_DIR, or set DATABASE_URL.`;

  it('work on its embedded database, and say so', async () => {
    const { code, said } = await run(['operators', 'add', 'owner@acme.example']);
    expect([code, said.split('\n').toSorted()]).toEqual([
      0,
      [`Working on the development system on ${data()}.`, 'owner@acme.example is an operator from now on.'],
    ]);
    expect((await run(['operators', 'list'])).said).toContain('owner@acme.example  Olivia Moreno');
  });

  it('find the folder that npm start takes when nothing is told', async () => {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['operators', 'list'],
      cwd: folder.path,
    });
    await program.ended;
    expect(program.output.trim()).toBe(notRunning().replace(data(), join(folder.path, '.data')));
  });

  it('sign license files with its keys, under its address', async () => {
    const at = (name: string) => join(folder.path, name);
    const issued = await run([
      ...['license', 'issue', '--organization', 'acme', '--module', 'projects', '--instance', 'plant-7'],
      ...['--seats', '0', '--output', at('plant-7.jws')],
    ]);
    expect(issued).toEqual({ code: 0, said: expect.stringContaining('with 0 seats') });
    expect((await run(['license', 'keys', 'export', '--output', at('keys.json')])).code).toBe(0);
    const verified = await run([
      ...['license', 'verify', at('plant-7.jws'), '--instance', 'plant-7', '--keys', at('keys.json')],
      ...['--issuer', launcher.issuer, '--state', folder.path],
    ]);
    expect(verified).toEqual({ code: 0, said: expect.stringMatching(/^OK: number 1 for plant-7/) });
  });

  it('answer with JSON alone where a machine reads', async () => {
    const keys = await run(['license', 'keys', 'list', '--json']);
    const lines = keys.said.split('\n').filter((line) => !line.startsWith('Working on'));
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object))).toEqual([['keys']]);
  });

  it('keep how to reach it from everybody else', () => {
    expect(statSync(data('running.json')).mode & 0o777).toBe(0o600);
  });

  it('never look for it in production, nor when the database is named in a file that cannot be read', async () => {
    for (const env of [{ NODE_ENV: 'production' }, { DATABASE_URL_FILE: join(folder.path, 'nothing') }]) {
      const { code, said } = await run(['operators', 'remove', 'owner@acme.example'], env);
      expect([code, said]).toEqual([
        1,
        expect.stringMatching(/^The configuration cannot be used:\n.*DATABASE_URL/s),
      ]);
      expect(said).not.toContain('development');
    }
    expect((await run(['operators', 'list'])).said).toContain('owner@acme.example');
  });

  it('say which of its settings are wrong before they look', async () => {
    const { code, said } = await run(['operators', 'list'], { PROJECTS_PORT: 'x' });
    expect([code, said]).toEqual([1, expect.stringContaining('PROJECTS_PORT must be a port')]);
  });

  it('say that it does not run when it was stopped or killed', async () => {
    await launcher.stop();
    expect(existsSync(data('running.json'))).toBe(false);
    expect(await run(['operators', 'list'])).toEqual({ code: 1, said: notRunning() });
    launcher = await new Launcher(launcher.ports, { DATA_DIR: data() }).untilReady();
    launcher.signal('SIGKILL');
    await launcher.ended;
    expect(await run(['license', 'keys', 'list'])).toEqual({ code: 1, said: notRunning() });
  });

  it('a folder that an earlier release has made gets the secret that it lacks, and keeps the others', async () => {
    const read = () => JSON.parse(readFileSync(data('secrets.json'), 'utf8')) as Record<string, string>;
    const { billingClientSecret, ...others } = read();
    writeFileSync(data('secrets.json'), JSON.stringify(others));
    launcher = await new Launcher(launcher.ports, { DATA_DIR: data() }).untilReady();
    const { billingClientSecret: made = '', ...kept } = read();
    expect(kept).toEqual(others);
    expect([made.length, made === billingClientSecret]).toEqual([43, false]);
    const answer = await fetch(`${launcher.issuer}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`billing:${made}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'licensing:read' }),
    });
    expect(answer.status).toBe(200);
    await launcher.stop();
  });

  it('say what has to be set when it was given a database', async () => {
    const database = await createDatabase({ empty: true });
    launcher = await new Launcher(launcher.ports, {
      DATA_DIR: data(),
      DATABASE_URL: database.url,
    }).untilReady();
    expect(await run(['operators', 'list'])).toEqual({
      code: 1,
      said: `DATABASE_URL is not set, and the development system on ${data()} is not ready, or was given a DATABASE_URL that has to be set here too.`,
    });
    await launcher.stop();
    await database.drop();
  });
});
