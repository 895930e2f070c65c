import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decide, type LicenseStatus } from '#licensing';
import { administrationOf, inDays } from './license-administration.js';
import { reportsSnapshot } from '../support/license-snapshot.js';
import { LicensingWorld } from './licensing-world.js';

const during = new Date('2029-06-01T00:00:00.000Z');

describe('licenses', () => {
  let world: LicensingWorld;
  beforeAll(async () => (world = await LicensingWorld.create()));
  afterAll(() => world.close());

  const changed = () => [{ kind: 'license-changed', subject: world.organizationId }];

  it('every change raises the version by one and writes one audit row and one outbox row', async () => {
    const { accounts, licenses, seats } = world.node;
    const [userId = ''] = await world.members(1);
    const { terms, trials } = administrationOf(world.node);
    const effectiveAt = inDays(9);
    const { organizationId } = world;
    const trial = { organizationId, moduleKey: 'reports', planVersionId: world.plan.id, days: 14 };
    let licenseId = '';
    const changes: [string, () => Promise<unknown>][] = [
      ['license.draft', async () => ({ licenseId } = await licenses.draft(world.terms(), 'admin'))],
      ['license.change-status', () => licenses.changeStatus(licenseId, 'issued', 'admin')],
      ['license.override', () => licenses.setOverride(override('charts', 9), 'admin')],
      ['license.override', () => licenses.setOverride(override('charts', 'REMOVED'), 'admin')],
      ['license.end-override', () => licenses.endOverride({ licenseId, feature: 'charts' }, 'admin')],
      ['license.remove-override', () => licenses.removeOverride({ licenseId, feature: 'charts' }, 'admin')],
      ['license.renew', () => terms.renew({ licenseId, lastDay: '2040-12-31' }, 'admin')],
      [
        'license.change-terms',
        () => terms.changeTerms({ licenseId, planVersionId: world.plan.id, effectiveAt }, 'admin'),
      ],
      ['license.cancel-change', () => terms.cancelChange({ licenseId, effectiveAt }, 'admin')],
      ['license.change-status', () => licenses.changeStatus(licenseId, 'suspended', 'admin')],
      ['license.change-status', () => licenses.changeStatus(licenseId, 'cancelled', 'admin')],
      ['license.start-trial', async () => ({ licenseId } = await trials.startTrial(trial, 'admin'))],
      ['license.convert-trial', () => trials.convertTrial({ licenseId, endsAt: null }, 'admin')],
      [
        'license.issue',
        async () =>
          ({ licenseId } = await licenses.issue(world.terms({ seatModel: 'named', seatLimit: 1 }), 'admin')),
      ],
      ['seat.assign', () => seats.assignSeat(licenseId, userId, 'admin')],
      ['seat.release', () => seats.releaseSeat(licenseId, userId, 'admin')],
    ];
    const override = (feature: string, value: number | 'REMOVED') => ({
      licenseId,
      feature,
      value,
      startsAt: new Date('2026-01-01T00:00:00.000Z'),
      endsAt: null,
    });
    for (const [act, change] of changes) {
      const traces = await world.traced(change);
      expect(traces).toEqual({
        version: 1,
        audit: [{ act, actor: 'admin', target: licenseId }],
        outbox: act.startsWith('seat.')
          ? [{ kind: act === 'seat.assign' ? 'seat-assigned' : 'seat-released', subject: userId }]
          : changed(),
      });
    }
    for (const act of ['organization.suspend', 'organization.resume'] as const) {
      const traces = await world.traced(() =>
        act === 'organization.suspend'
          ? accounts.suspendOrganization(world.organizationId, 'admin')
          : accounts.resumeOrganization(world.organizationId, 'admin'),
      );
      const target = world.organizationId;
      expect(traces).toEqual({ version: 1, audit: [{ act, actor: 'admin', target }], outbox: changed() });
    }
  });

  it('a refused change leaves no trace', async () => {
    const { licenses } = world.node;
    const licenseId = await world.license();
    await licenses.changeStatus(licenseId, 'revoked', 'admin');
    const none = { version: 0, audit: [], outbox: [] };
    const refused = async (change: Promise<unknown>, error: object) =>
      expect(await world.traced(() => expect(change).rejects.toMatchObject(error))).toEqual(none);

    await refused(licenses.changeStatus(licenseId, 'issued', 'admin'), {
      status: 409,
      code: 'status_transition_refused',
      publicMessage: 'This license is revoked and cannot become issued.',
    });
    await refused(licenses.changeStatus(world.organizationId, 'issued', 'admin'), {
      code: 'unknown_license',
    });
    await refused(licenses.issue(world.terms({ moduleKey: 'projects' }), 'admin'), { status: 404 });
    await refused(licenses.issue(world.terms({ organizationId: licenseId }), 'admin'), { status: 404 });
    await refused(licenses.issue(world.terms({ endsAt: world.terms().startsAt }), 'admin'), { status: 400 });
    await refused(licenses.issue(world.terms({ seatModel: 'named' }), 'admin'), { code: 'invalid_license' });
    await refused(licenses.issue(world.terms({ seatModel: 'floating', seatLimit: -1 }), 'admin'), {
      status: 400,
    });
    await refused(
      licenses.setOverride(
        { licenseId, feature: 'charts', value: true, startsAt: during, endsAt: null },
        'admin',
      ),
      { code: 'invalid_override' },
    );
  });

  it('only draft to issued, issued to suspended and back, and either to cancelled or revoked are allowed', async () => {
    const statuses: LicenseStatus[] = ['draft', 'issued', 'suspended', 'cancelled', 'revoked'];
    const { licenses } = world.node;
    const paths: Record<LicenseStatus, LicenseStatus[]> = {
      draft: [],
      issued: ['issued'],
      suspended: ['issued', 'suspended'],
      cancelled: ['issued', 'cancelled'],
      revoked: ['issued', 'suspended', 'revoked'],
    };
    const allowed: string[] = [];
    for (const from of statuses) {
      for (const to of statuses) {
        const { licenseId } = await licenses.draft(world.terms(), 'admin');
        for (const step of paths[from]) await licenses.changeStatus(licenseId, step, 'admin');
        await licenses.changeStatus(licenseId, to, 'admin').then(
          () => allowed.push(`${from} to ${to}`),
          (error: unknown) => expect(error).toMatchObject({ code: 'status_transition_refused' }),
        );
      }
    }
    expect(allowed).toEqual([
      'draft to issued',
      'issued to suspended',
      'issued to cancelled',
      'issued to revoked',
      'suspended to issued',
      'suspended to cancelled',
      'suspended to revoked',
    ]);
  });

  it('of a revocation and a resumption at once the license ends revoked', async () => {
    const { licenses } = world.node;
    for (let round = 0; round < 10; round += 1) {
      const licenseId = await world.license();
      await licenses.changeStatus(licenseId, 'suspended', 'admin');
      await Promise.allSettled([
        licenses.changeStatus(licenseId, 'issued', 'admin'),
        licenses.changeStatus(licenseId, 'revoked', 'admin'),
        licenses.changeStatus(licenseId, 'issued', 'admin'),
      ]);
      const snapshot = await licenses.snapshot(world.organizationId);
      expect(snapshot?.licenses.find(({ id }) => id === licenseId)?.status).toBe('revoked');
    }
  });

  it('the snapshot is what decisions are made from: terms, overrides, seats and organization state', async () => {
    const other = await LicensingWorld.create();
    const { accounts, licenses, seats } = other.node;
    const [ada = '', bob = ''] = await other.members(2);
    const licenseId = await other.license({ seatModel: 'named', seatLimit: 2 });
    await licenses.draft(other.terms(), 'admin');
    await seats.assignSeat(licenseId, ada, 'admin');
    const { version } = await licenses.setOverride(
      {
        licenseId,
        feature: 'charts',
        value: null,
        startsAt: during,
        endsAt: new Date('2029-07-01T00:00:00.000Z'),
      },
      'admin',
    );
    const snapshot = await licenses.snapshot(other.organizationId);
    const { organizationId } = other;
    expect(snapshot).toEqual(reportsSnapshot({ organizationId, version, licenseId, seats: [ada] }));
    const question = { module: 'reports', environment: 'production', feature: 'charts', current: 100 };
    expect(decide(snapshot, { ...question, userId: ada }, during)).toMatchObject({ code: 'OK', limit: null });
    expect(decide(snapshot, { ...question, userId: bob }, during).code).toBe('SEAT_REQUIRED');
    await accounts.suspendOrganization(other.organizationId, 'admin');
    const suspended = await licenses.snapshot(other.organizationId);
    expect(decide(suspended, { ...question, userId: ada }, during).code).toBe('ORG_SUSPENDED');
    expect(await licenses.snapshot(ada)).toBeUndefined();
    await other.close();
  });
});
