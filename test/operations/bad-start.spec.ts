import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { REPOSITORY } from '../support/built-process.js';
import { freePort } from '../support/ports.js';
import { Launcher, launcherPorts, runs, temporaryFolder, type Folder, type Ports } from './launcher.js';

jest.setTimeout(60_000);

describe('npm start that cannot succeed', () => {
  let folder: Folder;
  let ports: Ports;

  beforeAll(async () => {
    folder = temporaryFolder();
    ports = await launcherPorts();
  });

  afterAll(() => folder.remove());

  /** What it said, after it has ended with exit code 1. */
  async function refused(env: Record<string, string> = {}): Promise<string> {
    const launcher = new Launcher(ports, { DATA_DIR: join(folder.path, 'data'), ...env });
    expect(await launcher.ended).toMatchObject({ code: 1 });
    expect(launcher.output).not.toMatch(/^\s+at /m);
    expect(runs(folder.path)).toBe(false);
    return launcher.output.trim();
  }

  it('names the port that is taken and the setting that moves it', async () => {
    for (const [setting, port] of [
      ['PORT', ports.server],
      ['PROJECTS_PORT', ports.projects],
      ['REPORTS_PORT', ports.reports],
    ] as const) {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      expect(await refused()).toBe(
        `Port ${port} is taken by another program. Stop that one, or set ${setting} to a free port.`,
      );
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('names a folder that cannot be written', async () => {
    expect(await refused({ DATA_DIR: join(REPOSITORY, 'package.json', 'x') })).toMatch(
      /^DATA_DIR .*package\.json\/x cannot be written: part of the path is not a folder\.$/,
    );
  });

  it('names a DATABASE_URL that is malformed, or where nothing answers, without its password', async () => {
    expect(await refused({ DATABASE_URL: 'mysql://app:hidden@127.0.0.1/x' })).toContain(
      'DATABASE_URL must be',
    );
    const url = `postgres://app:hidden@127.0.0.1:${await freePort()}/app`;
    const said = await refused({ DATABASE_URL: url });
    expect(said).toMatch(/^DATABASE_URL \(127\.0\.0\.1:\d+\/app\) cannot be used: nothing answers there\.$/);
    expect(said).not.toContain('hidden');
  });

  it('names a REDIS_URL that is malformed, or where nothing answers', async () => {
    expect(await refused({ REDIS_URL: 'localhost' })).toContain('REDIS_URL must be');
    expect(await refused({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` })).toMatch(
      /^REDIS_URL \(127\.0\.0\.1:\d+\) cannot be used: nothing answers there\.$/,
    );
  });

  it('lists every setting that is missing in production at once', async () => {
    const said = await refused({ NODE_ENV: 'production' });
    for (const name of [
      'CORE_AUTH_URL',
      'DATABASE_URL',
      'CORE_AUTH_KEY_ENCRYPTION_KEYS',
      'PROJECTS_URL',
      'REPORTS_URL',
      'PROJECTS_OAUTH_CLIENT_SECRET',
      'REPORTS_OAUTH_CLIENT_SECRET',
    ]) {
      expect(said).toContain(`${name} is not set`);
    }
    expect(said).not.toContain('Starting');
  });

  it('refuses a weak demonstration password, a misspelled setting and ports that collide, all in one message', async () => {
    const said = await refused({
      CORE_AUTH_DEMO_PASSWORD: 'short',
      CORE_AUTH_DEMOPASSWORD: 'x',
      REPORTS_PORT: String(ports.projects),
    });
    expect(said).toContain('CORE_AUTH_DEMO_PASSWORD is refused: Choose a password of at least 15 characters');
    expect(said).toContain('did you mean CORE_AUTH_DEMO_PASSWORD?');
    expect(said).toContain('PORT, PROJECTS_PORT and REPORTS_PORT must differ');
  });

  it('answers an unknown command with how it is used', () => {
    const file = join(REPOSITORY, 'dist/apps/cli/main.js');
    const { status, stderr } = spawnSync(process.execPath, [file, 'begin'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('Usage: core-auth <command>');
  });
});

describe('npm start on an old Node.js', () => {
  const file = join(REPOSITORY, 'scripts/check-node.cjs');

  it.each([
    ['20.18.3', 1],
    ['18.20.8', 1],
    ['20.19.0', 0],
    ['24.1.0', 0],
  ])('is asked before anything else: %s ends with %i', (version, code) => {
    const script = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } }); require('${file}')`;
    const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect(status).toBe(code);
    expect(stderr).toBe(
      code === 0 ? '' : `Core Auth needs Node.js 20.19 or newer; this is Node.js ${version}.\n`,
    );
  });

  it('reads the question itself, which is written without anything new', () => {
    const text = readFileSync(file, 'utf8');
    expect(text).not.toMatch(/=>|`|\b(?:const|let|import|class|async)\b(?! )|\?\?|\?\./);
    const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts['prestart']).toBe('node scripts/check-node.cjs');
    expect(scripts['pretest']).toBe('node scripts/check-node.cjs');
  });
});

const root = process.getuid?.() === 0;

(root ? describe : describe.skip)('npm start as root', () => {
  it('runs PostgreSQL as an ordinary user, also below a folder that only root may enter', async () => {
    const folder = temporaryFolder();
    const home = join(folder.path, 'home');
    mkdirSync(home);
    chmodSync(home, 0o700);
    const launcher = new Launcher(await launcherPorts(), { DATA_DIR: join(home, 'data') });
    try {
      await launcher.untilReady();
      const status = readFileSync(`/proc/${launcher.childPid(home)}/status`, 'utf8');
      expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).not.toBe('0');
    } finally {
      await launcher.stop();
      folder.remove();
    }
  });
});
