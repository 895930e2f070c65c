import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltProcess } from '../support/built-process.js';
import { freePort } from '../support/ports.js';
import { World } from '../support/world.js';

describe('the log of requests', () => {
  let world: World;
  let server: BuiltProcess;
  let url: string;

  beforeAll(async () => {
    world = await World.start();
    const port = await freePort();
    url = `http://localhost:${port}`;
    server = new BuiltProcess('dist/apps/server/main.js', {
      env: { ...world.env, PORT: String(port), CORE_AUTH_URL: url, LOG_LEVEL: 'info' },
    });
    await server.answers(`${url}/health/live`);
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await world.stop();
  });

  const lineOf = async (path: string) => {
    const [line] = await server.says(new RegExp(`^.*"path":"${path}".*$`, 'm'));
    return JSON.parse(line) as Record<string, unknown>;
  };

  it('has one line for each, with its id, path, status and time, and without its query string', async () => {
    const response = await fetch(`${url}/oauth2/jwks?secret=value`);
    expect(await lineOf('/oauth2/jwks')).toMatchObject({
      level: 30,
      req: {
        id: response.headers.get('x-request-id'),
        method: 'GET',
        path: '/oauth2/jwks',
        remoteAddress: expect.stringMatching(/^(::1|(::ffff:)?127\.0\.0\.1)$/),
      },
      res: { statusCode: 200 },
      responseTime: expect.any(Number),
      msg: 'request completed',
    });
    expect(server.output).not.toContain('secret=value');
  });

  it('has those that are answered before a route is asked, and those that have none', async () => {
    await fetch(`${url}/.well-known/openid-configuration`);
    expect(await lineOf('/.well-known/openid-configuration')).toMatchObject({ res: { statusCode: 200 } });
    await fetch(`${url}/nowhere`);
    expect(await lineOf('/nowhere')).toMatchObject({ level: 30, res: { statusCode: 404 } });
  });

  it('has no line for probes, which come every few seconds', async () => {
    await fetch(`${url}/health/live`);
    await fetch(`${url}/nowhere/else`);
    await lineOf('/nowhere/else');
    expect(server.output).not.toContain('"path":"/health');
  });
});
