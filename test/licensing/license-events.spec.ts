import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountRepository } from '#accounts';
import { AnnouncementRepository, CatalogRepository, LicenseTermsRepository } from '#licensing';
import { Database, sql } from '#platform';
import { eventually } from '../support/answers.js';
import { REPOSITORY } from '../support/built-process.js';
import { EventReader } from '../support/event-reader.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';
import { basic, World } from '../support/world.js';
import { AdministrationWorld } from './administration/administration-world.js';

const TYPE = 'urn:core-auth:event-type:';
const KINDS = [
  ...['license-changed', 'seat-assigned', 'seat-released', 'usage-threshold-reached'],
  ...['license-started', 'license-terms-changed', 'license-ending', 'license-grace', 'license-expired'],
];
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

type Said = Readonly<Record<string, unknown>>;

interface Told {
  readonly jti: string;
  readonly events: Readonly<Record<string, Said>>;
}

/** Nothing, where an event is of another type. */
const saidIn = (one: Said | undefined): readonly Said[] => (one ? [one] : []);

/** What a way of hearing has told about licenses, by `jti`. */
function aboutLicenses(claims: readonly Told[]): Map<string, Told> {
  const types = new Set(KINDS.map((kind) => TYPE + kind));
  return new Map(
    claims
      .filter(({ events }) => Object.keys(events).some((type) => types.has(type)))
      .map((one) => [one.jti, one]),
  );
}

describe('what events about licenses say, by each way of hearing them', () => {
  let admin: AdministrationWorld;
  let receiver: WebhookReceiver;
  let stream: EventReader;
  let planVersionId: string;
  const polled: Told[] = [];

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
    const { world } = admin;
    const catalog = world.app.get(CatalogRepository);
    await catalog.createFeature(
      { moduleKey: 'reports', key: 'pages', type: 'metered', combine: 'sum', period: 'year' },
      'test',
    );
    ({ id: planVersionId } = await catalog.createPlanVersion(
      { planKey: 'metered', name: 'Metered', moduleKey: 'reports', features: { pages: 10 } },
      'test',
    ));
    receiver = await WebhookReceiver.start();
    const registered = await world.call('/v1/webhooks', world.client('reports'), { url: receiver.url });
    expect(registered.status).toBe(201);
    stream = await EventReader.open(world.url, world.client('reports'));
    await stream.ready();
    await poll();
  });
  afterAll(async () => {
    stream.close();
    await admin.stop();
    await receiver.stop();
  });

  const poll = async () => {
    const response = await fetch(`${admin.world.url}/v1/events/poll`, {
      method: 'POST',
      headers: { authorization: basic(admin.world.client('reports')), 'content-type': 'application/json' },
      body: JSON.stringify({ returnImmediately: true, ack: polled.map(({ jti }) => jti) }),
    });
    const { sets } = (await response.json()) as { sets: Record<string, string> };
    const payload = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Told;
    polled.push(...Object.values(sets).map(payload));
    return aboutLicenses(polled);
  };
  const streamed = () => aboutLicenses(stream.events.map(({ data = '{}' }) => JSON.parse(data) as Told));
  const called = () =>
    aboutLicenses(receiver.received.map(({ body }) => (JSON.parse(body) as { data: Told }).data));
  /** What events of a kind say beside their time, in the order in which they came, without what was said before. */
  const said = (kind: string, licenseId?: string): Said[] =>
    [...streamed().values()]
      .flatMap(({ events }) => saidIn(events[TYPE + kind]))
      .filter((one) => licenseId === undefined || one['license_id'] === licenseId)
      .map(({ event_timestamp, ...rest }) => {
        expect(event_timestamp).toEqual(expect.any(Number));
        return rest;
      });
  const use = (amount: number) =>
    fetch(`${admin.world.url}/v1/usage`, {
      method: 'POST',
      headers: {
        authorization: basic(admin.world.client('reports')),
        'content-type': 'application/json',
        'idempotency-key': crypto.randomUUID(),
      },
      body: JSON.stringify({
        organization_id: admin.world.id('acme'),
        feature: 'pages',
        amount,
        user_id: null,
      }),
    });

  it('of what was done: the act, the license and its module; of a whole organization the act', async () => {
    const { world } = admin;
    const license_id = await admin.issued({ plan_version_id: planVersionId });
    const found = await admin.operate('GET', `/v1/licenses/${license_id}`);
    const etag = found.headers.get('etag') ?? '';
    const suspended = await admin.operate('POST', `/v1/licenses/${license_id}/status`, {
      body: { status: 'suspended' },
      headers: { 'if-match': etag },
    });
    expect(suspended.status).toBe(200);
    const resumed = await admin.operate('POST', `/v1/licenses/${license_id}/status`, {
      body: { status: 'issued' },
      headers: { 'if-match': suspended.headers.get('etag') ?? '' },
    });
    expect(resumed.status).toBe(200);
    const seat = `/v1/licenses/${license_id}/seats/${world.id('member@acme.example')}`;
    expect((await admin.operate('PUT', seat)).status).toBe(200);
    expect((await admin.operate('DELETE', seat)).status).toBe(204);
    await world.app.get(AccountRepository).suspendOrganization(world.id('globex'), 'test');
    const of = { license_id, module: 'reports' };
    await eventually(
      () => said('license-changed').find(({ act }) => act === 'organization.suspend'),
      'the last',
    );
    expect(said('license-changed', license_id)).toEqual(
      ['license.issue', 'license.change-status', 'license.change-status'].map((act) => ({ ...of, act })),
    );
    expect(said('license-changed').at(-1)).toEqual({ act: 'organization.suspend' });
    expect(said('seat-assigned', license_id)).toEqual([of]);
    expect(said('seat-released', license_id)).toEqual([of]);
    for (const [amount, status] of [
      [8, 200],
      [2, 200],
    ] as const) {
      expect((await use(amount)).status).toBe(status);
    }
    await eventually(() => said('usage-threshold-reached').length >= 2 || undefined, 'two thresholds');
    const [year, limit] = [new Date().getUTCFullYear(), 10];
    const period = {
      period_starts_at: `${year}-01-01T00:00:00.000Z`,
      period_ends_at: `${year + 1}-01-01T00:00:00.000Z`,
    };
    expect(said('usage-threshold-reached')).toEqual([
      { ...of, ...period, feature: 'pages', percent: 80, used: 8, limit },
      { ...of, ...period, feature: 'pages', percent: 100, used: 10, limit },
    ]);
  });

  it('of what time has done: the instant, whether it is a trial, how many days are left, and until when there is grace', async () => {
    const { world } = admin;
    const now = world.clock.now().getTime();
    const soon = (milliseconds: number) => new Date(now + milliseconds);
    const [starts, ends] = [soon(5 * MINUTE), soon(20 * MINUTE)];
    const over = await world.license('acme', 'reports', { startsAt: starts, endsAt: ends, graceDays: 2 });
    const trial = await world.license('acme', 'reports', { startsAt: starts, endsAt: ends, trial: true });
    const ending = await world.license('acme', 'reports', {
      endsAt: soon(7 * DAY + 10 * MINUTE),
      graceDays: 3,
    });
    await world.app
      .get(LicenseTermsRepository)
      .changeTerms({ licenseId: ending, planVersionId, effectiveAt: starts }, 'test');
    world.clock.set(soon(30 * MINUTE));
    await world.app.get(AnnouncementRepository).announce(100);
    // whatever becomes of it afterwards, what was told stays
    await world.app.get(Database).query(sql`UPDATE licenses SET trial = false WHERE id = ${trial}`);
    const of = (license_id: string, isTrial = false) => ({ license_id, module: 'reports', trial: isTrial });
    const at = (instant: Date) => ({ at: instant.toISOString() });
    await eventually(() => said('license-expired', trial)[0], 'the last');
    expect(said('license-started', over)).toEqual([{ ...of(over), ...at(starts) }]);
    expect(said('license-terms-changed', ending)).toEqual([{ ...of(ending), ...at(starts) }]);
    expect(said('license-ending', ending)).toEqual([
      {
        ...{ ...of(ending), days_before: 7, ends_at: soon(7 * DAY + 10 * MINUTE).toISOString() },
        grace_until: soon(10 * DAY + 10 * MINUTE).toISOString(),
      },
    ]);
    expect(said('license-grace', over)).toEqual([
      { ...of(over), ...at(ends), grace_until: soon(2 * DAY + 20 * MINUTE).toISOString() },
    ]);
    expect(said('license-expired', trial)).toEqual([{ ...of(trial, true), ...at(ends) }]);
  });

  it('the stream, a webhook and a poll say the same, under the same jti, and the guide shows each', async () => {
    const { size } = streamed();
    // by other ways one may be told too of what was done just before the stream was opened
    const since = (told: Map<string, Told>) => new Map([...told].filter(([jti]) => streamed().has(jti)));
    await eventually(
      async () => (since(await poll()).size >= size && since(called()).size >= size) || undefined,
      'all of them',
    );
    expect(since(aboutLicenses(polled))).toEqual(streamed());
    expect(since(called())).toEqual(streamed());
    const reader = await EventReader.open(
      admin.world.url,
      admin.world.client('reports'),
      (await stream.ready()).id,
    );
    const again = () => aboutLicenses(reader.events.map(({ data = '{}' }) => JSON.parse(data) as Told));
    await eventually(() => again().size >= size || undefined, 'all of them again');
    reader.close();
    expect(again()).toEqual(streamed());

    const guide = readFileSync(join(REPOSITORY, 'docs/guides/events.md'), 'utf8');
    const [, shown = '{}'] = /```json\n(\{\n {2}"urn:core-auth:[\s\S]*?)```/.exec(guide) ?? [];
    const examples = Object.entries(JSON.parse(shown) as Record<string, Said>);
    expect(examples.map(([type]) => type.replace(TYPE, ''))).toEqual(KINDS);
    const membersOf = (one: Said | undefined) => Object.keys(one ?? {}).toSorted();
    for (const [type, example] of examples) {
      const [first] = [...streamed().values()].flatMap(({ events }) => saidIn(events[type]));
      expect([type, membersOf(first)]).toEqual([type, membersOf(example)]);
    }
  });

  it('an event from before events said so much says what it said; none says more than a kilobyte', async () => {
    const database = admin.world.app.get(Database);
    const license_id = crypto.randomUUID();
    await database.query(sql`
      INSERT INTO outbox (kind, subject, organization_id)
      VALUES ('license-ending', ${license_id}, ${admin.world.id('acme')})`);
    await eventually(() => said('license-ending', license_id)[0], 'the old one');
    expect(said('license-ending', license_id)).toEqual([{ license_id }]);
    const hook = await eventually(
      () => receiver.received.find(({ body }) => body.includes(license_id)),
      'the old one by webhook',
    );
    expect((JSON.parse(hook.body) as { data: Told }).data.events).toEqual({
      [`${TYPE}license-ending`]: { event_timestamp: expect.any(Number), license_id },
    });
    for (const facts of ['[]', '"text"', JSON.stringify({ module: 'm'.repeat(1024) })]) {
      const told = database.query(sql`
        INSERT INTO outbox (kind, subject, facts) VALUES ('license-ending', 'x', ${facts}::jsonb)`);
      await expect(told).rejects.toThrow('outbox_facts');
    }
  });

  it('nodes that come back announce what became due meanwhile, and a webhook of that kind is delivered once', async () => {
    const { world } = admin;
    const hooks = await WebhookReceiver.start();
    const soon = (minutes: number) => new Date(world.clock.now().getTime() + minutes * 60_000);
    const licenseId = await world.license('acme', 'reports', {
      startsAt: soon(5),
      endsAt: soon(20),
      graceDays: 1,
    });
    const registered = await world.call('/v1/webhooks', world.client('projects'), {
      url: hooks.url,
      kinds: 'license-started license-grace',
    });
    expect(registered.status).toBe(201);
    world.clock.set(soon(30));
    const nodes = await Promise.all([World.start({ beside: world }), World.start({ beside: world })]);
    try {
      await eventually(() => (hooks.received.length >= 2 ? true : undefined), 'two webhooks');
      // longer than a delivery takes: a second one of the same would be here by now
      await new Promise((resolve) => setTimeout(resolve, 1500));
    } finally {
      for (const node of nodes) await node.stop();
      await hooks.stop();
    }
    const received = hooks.received.map(
      ({ body }) => JSON.parse(body) as { type: string; data: { sub_id: object; events: object } },
    );
    expect(received.map(({ type }) => type).sort()).toEqual(['license-grace', 'license-started']);
    const subject = { format: 'complex', tenant: { format: 'opaque', id: world.id('acme') } };
    for (const { type, data } of received) {
      expect(data.sub_id).toEqual(subject);
      expect(data.events).toEqual({
        [`urn:core-auth:event-type:${type}`]: expect.objectContaining({ license_id: licenseId }),
      });
    }
    const rows = await world.app.get(Database).query(sql`
      SELECT kind FROM outbox WHERE subject = ${licenseId} AND kind LIKE 'license-%' ORDER BY id`);
    expect(rows).toEqual([{ kind: 'license-started' }, { kind: 'license-grace' }]);
  });
});
