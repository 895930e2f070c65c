import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { ChangeCondition, LicenseChange } from '#licensing';
import { administrationOf, inDays } from './license-administration.js';
import { LicensingWorld, type Node } from './licensing-world.js';

type Change = (licenseId: string, node: Node, condition?: ChangeCondition) => Promise<LicenseChange>;

const later = inDays(40);
const endless = { startsAt: inDays(-1), endsAt: null };

/** Every way to change a license that exists, each possible on one that `prepared` made. */
const changes: Record<string, Change> = {
  'a status': (licenseId, { licenses }, condition) =>
    licenses.changeStatus(licenseId, 'suspended', 'admin', condition),
  'an override': (licenseId, { licenses }, condition) =>
    licenses.setOverride({ licenseId, feature: 'charts', value: 9, ...endless }, 'admin', condition),
  'the end of an override': (licenseId, { licenses }, condition) =>
    licenses.endOverride({ licenseId, feature: 'export', endsAt: inDays(1) }, 'admin', condition),
  'the removal of an override': (licenseId, { licenses }, condition) =>
    licenses.removeOverride({ licenseId, feature: 'export' }, 'admin', condition),
  'a renewal': (licenseId, node, condition) =>
    administrationOf(node).terms.renew({ licenseId, endsAt: null }, 'admin', condition),
  'a change of terms': (licenseId, node, condition) =>
    administrationOf(node).terms.changeTerms({ licenseId, seatLimit: 11 }, 'admin', condition),
  'a cancelled change': (licenseId, node, condition) =>
    administrationOf(node).terms.cancelChange({ licenseId, effectiveAt: later }, 'admin', condition),
};

describe('changes of licenses under conditions', () => {
  let world: LicensingWorld;
  beforeAll(async () => (world = await LicensingWorld.create({ nodes: 2 })));
  afterAll(() => world.close());

  const nothing = { version: 0, audit: [], outbox: [] };

  /** A license that has an override and a scheduled change, of version 3. */
  async function prepared(): Promise<string> {
    const licenseId = await world.license({ seatModel: 'named', seatLimit: 10 });
    await world.node.licenses.setOverride(
      { licenseId, feature: 'export', value: false, ...endless },
      'admin',
    );
    await administrationOf(world.node).terms.changeTerms(
      { licenseId, seatLimit: 20, effectiveAt: later },
      'admin',
    );
    return licenseId;
  }

  it.each(Object.entries(changes))('%s is made for the version it was thought of for', async (_, change) => {
    const licenseId = await prepared();
    let changed: LicenseChange | undefined;
    const traces = await world.traced(async () => {
      changed = await change(licenseId, world.node, {
        expectedVersion: 3,
        organizationId: world.organizationId,
      });
    });
    expect(changed?.licenseVersion).toBe(4);
    const snapshot = await world.node.licenses.snapshot(world.organizationId);
    expect(changed?.version).toBe(snapshot?.version);
    expect(traces).toMatchObject({
      version: 1,
      audit: [{ target: licenseId }],
      outbox: [{ kind: 'license-changed', subject: world.organizationId }],
    });
  });

  it.each(Object.entries(changes))(
    '%s is refused for another version and changes nothing',
    async (_, change) => {
      const licenseId = await prepared();
      const before = await administrationOf(world.node).details.find(licenseId);
      const refused = await world.traced(() =>
        expect(change(licenseId, world.node, { expectedVersion: 2 })).rejects.toMatchObject({
          status: 412,
          code: 'license_changed_meanwhile',
        }),
      );
      expect(refused).toEqual(nothing);
      expect(await administrationOf(world.node).details.find(licenseId)).toEqual(before);
    },
  );

  it.each(Object.entries(changes))('%s of a foreign license is of one that is unknown', async (_, change) => {
    const licenseId = await prepared();
    for (const organizationId of [randomUUID(), licenseId]) {
      const refused = await world.traced(() =>
        expect(change(licenseId, world.node, { organizationId, expectedVersion: 3 })).rejects.toMatchObject({
          status: 404,
          code: 'unknown_license',
        }),
      );
      expect(refused).toEqual(nothing);
    }
    await expect(change(randomUUID(), world.node)).rejects.toMatchObject({ code: 'unknown_license' });
  });

  it.each(Object.entries(changes))(
    '%s is refused once the license is cancelled or revoked',
    async (_, change) => {
      for (const status of ['cancelled', 'revoked'] as const) {
        const licenseId = await prepared();
        await world.node.licenses.changeStatus(licenseId, status, 'admin');
        const refused = await world.traced(() =>
          expect(change(licenseId, world.node)).rejects.toMatchObject({ status: 409 }),
        );
        expect(refused).toEqual(nothing);
      }
    },
  );

  it.each(Object.entries(changes))(
    '%s by two administrators with the same ETag is made once, 10 times',
    async (_, change) => {
      for (let round = 0; round < 10; round += 1) {
        const licenseId = await prepared();
        const traces = await world.traced(async () => {
          const results = await Promise.allSettled(
            world.nodes.map((node) => change(licenseId, node, { expectedVersion: 3 })),
          );
          const refused = results.filter((result) => result.status === 'rejected');
          expect(refused).toMatchObject([{ reason: { status: 412, code: 'license_changed_meanwhile' } }]);
        });
        expect(traces.version).toBe(1);
        expect(traces.audit).toHaveLength(1);
        expect(traces.outbox).toHaveLength(1);
      }
    },
  );

  it('any two different ones with the same ETag end with one made', async () => {
    const all = Object.values(changes);
    for (const [index, change] of all.entries()) {
      const other = all[(index + 1) % all.length] ?? change;
      const licenseId = await prepared();
      const [one, two] = world.nodes;
      const results = await Promise.allSettled([
        change(licenseId, one ?? world.node, { expectedVersion: 3 }),
        other(licenseId, two ?? world.node, { expectedVersion: 3 }),
      ]);
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect((await administrationOf(world.node).details.find(licenseId)).version).toBe(4);
    }
  });
});
