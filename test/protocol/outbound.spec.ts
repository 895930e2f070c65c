import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { SessionRepository } from '#sessions';
import { eventually } from '../support/answers.js';
import { LogoutReceiver } from '../support/logout-receiver.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';
import { claimsOf, World } from '../support/world.js';

/**
 * What was registered while a network was allowed stays registered when it is not any more; as when a name comes to
 * point into it.
 */
describe('a deployment that allows no network of its own (server-side request forgery)', () => {
  let world: World;
  let webhooks: WebhookReceiver;
  let logouts: LogoutReceiver;
  let database: Client;

  beforeAll(async () => {
    world = await World.start({ env: { CORE_AUTH_OUTBOUND_NETWORKS: '' } });
    webhooks = await WebhookReceiver.start();
    logouts = await LogoutReceiver.start();
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await world.stop();
    await Promise.all([webhooks.stop(), logouts.stop()]);
  });

  const refusals = (kind: string, number: number) =>
    eventually(async () => {
      const { rows } = await database.query<{ last_error: string }>(
        'SELECT last_error FROM deliveries WHERE kind = $1 AND last_error IS NOT NULL ORDER BY last_error',
        [kind],
      );
      return rows.length >= number ? rows.map(({ last_error }) => last_error) : undefined;
    }, 'the refusals');

  it.each([
    '127.0.0.1',
    'localhost',
    'hooks.localhost',
    '[::1]',
    '2130706433',
    '0x7f.1',
    '[::ffff:127.0.0.1]',
  ])('refuses a webhook and a logout address at %s, by https as by http', async (host) => {
    for (const scheme of ['http', 'https']) {
      const url = `${scheme}://${host}:${webhooks.port}/hooks`;
      const { status, body } = await world.call('/v1/webhooks', world.client('projects'), { url });
      expect([status, body['error']]).toEqual([400, 'invalid_request']);
      await expect(world.createClient({ id: 'never', backchannelLogoutUri: url })).rejects.toMatchObject({
        status: 400,
      });
    }
    expect(webhooks.received).toHaveLength(0);
  });

  it('sends nothing to an address that was registered before, and keeps why', async () => {
    const allowing = await World.start({
      beside: world,
      env: { CORE_AUTH_OUTBOUND_NETWORKS: '127.0.0.0/8' },
    });
    const url = new URL(webhooks.url);
    for (const scheme of ['http:', 'https:']) {
      url.protocol = scheme;
      const { status } = await allowing.call('/v1/webhooks', world.client('projects'), { url: url.href });
      expect(status).toBe(201);
    }
    const told = await allowing.createClient({ id: 'told', backchannelLogoutUri: logouts.url });
    await allowing.stop();

    const browser = await world.signIn('member@acme.example');
    const { body } = await world.exchange(told, await world.code(told, browser));
    const sid = String(claimsOf(String(body['access_token']))['sid']);
    await world.app.get(SessionRepository).end(sid, 'test');

    expect(await refusals('webhook', 2)).toEqual(
      expect.arrayContaining(['the URL must be https', 'the URL must not point into a private network']),
    );
    expect(await refusals('logout', 1)).toEqual(['backchannel_logout_uri must be https']);
    expect([webhooks.received.length, logouts.received.length]).toEqual([0, 0]);
  });
});
