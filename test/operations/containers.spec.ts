import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { settings } from '#platform';
import { moduleSettings } from '../../apps/cli/module-settings.js';
import { REPOSITORY } from '../support/built-process.js';

const read = (name: string) => readFileSync(join(REPOSITORY, name), 'utf8');

describe('the image', () => {
  const dockerfile = read('Dockerfile');
  const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

  it('runs as an ordinary user, tells its health, and is built in a stage of its own', () => {
    expect(final).toMatch(/^USER node$/m);
    expect(final).toMatch(/^HEALTHCHECK .*healthcheck\.mjs/m);
    expect(dockerfile).toMatch(/ AS build$/m);
    expect(final).not.toMatch(/npm (?:ci|install)/);
  });

  it('pins its base image to one version', () => {
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-\S+$/m);
    for (const [, image] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(image).toBe('${NODE_IMAGE}');
  });

  it('copies nothing that is not in the repository', () => {
    const copied = [...final.matchAll(/^COPY --from=build \/app\/(\S+) /gm)].map(([, path]) => path ?? '');
    const made = ['node_modules', 'dist'];
    expect(copied.filter((path) => !made.includes(path) && !existsSync(join(REPOSITORY, path)))).toEqual([]);
    expect(copied).toContain('dist');
  });

  it('has no secret in it', () => {
    expect(dockerfile).not.toMatch(/SECRET|PASSWORD|TOKEN/);
    expect(read('.dockerignore')).toMatch(/^\*$/m);
  });

  it('asks its own program whether it lives', async () => {
    let status = 200;
    const server: Server = createServer((_request, response) => response.writeHead(status).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const healthy = async () => {
      const file = join(REPOSITORY, 'scripts/healthcheck.mjs');
      const child = spawn(process.execPath, [file], { env: { ...process.env, PORT: String(port) } });
      const [code] = (await once(child, 'exit')) as [number];
      return code === 0;
    };
    expect(await healthy()).toBe(true);
    status = 500;
    expect(await healthy()).toBe(false);
    server.close();
    server.closeAllConnections();
    expect(await healthy()).toBe(false);
  });
});

describe('docker-compose.yml', () => {
  const compose = read('docker-compose.yml');
  const service = (name: string) =>
    new RegExp(`^  ${name}:\\n((?:(?:    .*)?\\n)+)`, 'm').exec(compose)?.[1] ?? '';

  it.each(['server', 'projects', 'reports', 'postgres', 'redis'])('has the service %s', (name) => {
    expect(service(name)).not.toBe('');
  });

  it('takes every secret from the environment and does not start without it', () => {
    const secrets = [...compose.matchAll(/\$\{([A-Z_]*(?:PASSWORD|SECRET|KEYS))([^}]*)\}/g)];
    expect(secrets.length).toBeGreaterThanOrEqual(8);
    expect(secrets.filter(([, , rest]) => !rest?.startsWith(':?')).map(([text]) => text)).toEqual([]);
  });

  it('gives each program settings that it knows', () => {
    const names = (text: string) => [...text.matchAll(/^ {6}([A-Z_]+):/gm)].map(([, name]) => name ?? '');
    const known = new Set(settings().map(({ name }) => name));
    expect(names(service('server')).filter((name) => !known.has(name) && name !== 'SOURCE_COMMIT')).toEqual(
      [],
    );
    const ofModules = new Set(moduleSettings.map(({ name }) => name));
    for (const name of ['projects', 'reports']) {
      expect(names(service(name)).filter((setting) => !ofModules.has(setting))).toEqual([]);
      expect(names(service(name))).toContain('OAUTH_CLIENT_SECRET');
    }
  });

  it('publishes ports to this machine alone, and none of the database or Redis', () => {
    for (const [, port] of compose.matchAll(/ports: \['([^']+)'\]/g)) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(service('postgres')).not.toContain('ports:');
    expect(service('redis')).not.toContain('ports:');
  });
});
