import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { eventually } from '../support/answers.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';
import { World } from '../support/world.js';

describe('announcements of a running deployment', () => {
  let world: World;
  let receiver: WebhookReceiver;
  let database: Client;

  beforeAll(async () => {
    world = await World.start();
    receiver = await WebhookReceiver.start();
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await world.stop();
    await receiver.stop();
  });

  it('nodes that come back announce what became due meanwhile, and a webhook of that kind is delivered once', async () => {
    const soon = (minutes: number) => new Date(world.clock.now().getTime() + minutes * 60_000);
    const licenseId = await world.license('acme', 'reports', {
      startsAt: soon(5),
      endsAt: soon(20),
      graceDays: 1,
    });
    const registered = await world.call('/v1/webhooks', world.client('projects'), {
      url: receiver.url,
      kinds: 'license-started license-grace',
    });
    expect(registered.status).toBe(201);
    world.clock.set(soon(30));
    const nodes = await Promise.all([World.start({ beside: world }), World.start({ beside: world })]);
    try {
      await eventually(() => (receiver.received.length >= 2 ? true : undefined), 'two webhooks');
      // longer than a delivery takes: a second one of the same would be here by now
      await new Promise((resolve) => setTimeout(resolve, 1500));
    } finally {
      for (const node of nodes) await node.stop();
    }
    const received = receiver.received.map(
      ({ body }) => JSON.parse(body) as { type: string; data: { sub_id: object; events: object } },
    );
    expect(received.map(({ type }) => type).sort()).toEqual(['license-grace', 'license-started']);
    const subject = { format: 'complex', tenant: { format: 'opaque', id: world.id('acme') } };
    for (const { type, data } of received) {
      expect(data.sub_id).toEqual(subject);
      expect(data.events).toEqual({
        [`urn:core-auth:event-type:${type}`]: { event_timestamp: expect.any(Number), license_id: licenseId },
      });
    }
    const { rows } = await database.query(
      "SELECT kind FROM outbox WHERE subject = $1 AND kind LIKE 'license-%' ORDER BY id",
      [licenseId],
    );
    expect(rows).toEqual([{ kind: 'license-started' }, { kind: 'license-grace' }]);
  });
});
