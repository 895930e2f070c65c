import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PasswordRules } from '#accounts';
import { World } from '../support/world.js';

const STOLEN = 'eleven stolen umbrellas';
const FREE = 'nineteen quiet pelicans';
const digestOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase();

type Answer = 'list' | 'hang' | 'break' | { readonly status: number; readonly body: string };

describe('a service that knows breached passwords', () => {
  let server: Server;
  let world: World;
  let answer: Answer = 'list';
  const asked: { path: string; padding: string | undefined }[] = [];
  beforeAll(async () => {
    const digest = digestOf(STOLEN);
    const list = [
      `${'0'.repeat(34)}1:7`,
      `${digest.slice(5).toLowerCase()}:42`,
      // padding
      `${digestOf(FREE).slice(5)}:0`,
    ].join('\r\n');
    server = createServer((request, response) => {
      asked.push({
        path: request.url ?? '',
        padding: request.headers['add-padding'] as string | undefined,
      });
      if (answer === 'list') response.end(list);
      else if (answer === 'break') request.socket.destroy();
      else if (answer !== 'hang') response.writeHead(answer.status).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    world = await World.start({
      env: { CORE_AUTH_BREACHED_PASSWORDS_URL: `http://127.0.0.1:${port}/range/` },
    });
  }, 60_000);
  afterEach(() => {
    answer = 'list';
    asked.length = 0;
  });
  afterAll(async () => {
    await world.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const problem = (password: string, node = world) => node.app.get(PasswordRules).problem(password, {});

  it('is told five digits of a digest, and refuses what it lists; padding is no entry', async () => {
    expect(await problem(STOLEN)).toContain('known to attackers');
    expect(await problem(FREE)).toBeUndefined();
    expect(asked).toEqual([
      { path: `/range/${digestOf(STOLEN).slice(0, 5)}`, padding: 'true' },
      { path: `/range/${digestOf(FREE).slice(0, 5)}`, padding: 'true' },
    ]);
  });

  it('is not asked about what is refused anyway', async () => {
    expect(await problem('short')).toContain('at least 15');
    expect(await problem('passwordpassword')).toContain('attackers try');
    expect(asked).toEqual([]);
  });

  it.each<[string, Answer]>([
    ['does not answer', 'hang'],
    ['breaks off', 'break'],
    ['fails', { status: 503, body: '' }],
    ['redirects', { status: 302, body: '' }],
    ['answers without end', { status: 200, body: 'x'.repeat(300_000) }],
  ])('while it %s, the list that ships with the server decides alone', async (_, how) => {
    answer = how;
    expect(await problem(STOLEN)).toBeUndefined();
    expect(await problem('passwordpassword')).toContain('attackers try');
    expect(asked).toHaveLength(1);
  });

  it('in a private network it is not asked unless the deployment allows that network', async () => {
    const node = await World.start({
      beside: world,
      env: {
        CORE_AUTH_BREACHED_PASSWORDS_URL: world.env['CORE_AUTH_BREACHED_PASSWORDS_URL'] ?? '',
        CORE_AUTH_OUTBOUND_NETWORKS: '10.0.0.0/8',
      },
    });
    expect(await problem(STOLEN, node)).toBeUndefined();
    await node.stop();
    expect(asked).toEqual([]);
  });

  it('without the setting nobody is asked', async () => {
    const node = await World.start({ beside: world });
    expect(await problem(STOLEN, node)).toBeUndefined();
    await node.stop();
    expect(asked).toEqual([]);
  });
});
