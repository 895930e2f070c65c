import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { NewOverride, Renewal, TermsChange } from '#licensing';
import { administrationOf, inDays, licensesOf, planOf } from './license-administration.js';
import { LicensingWorld } from './licensing-world.js';

const seats = (seatLimit: unknown) => ({ seatModel: 'named', seatLimit });
const hugeCounts = [-1, 1.5, 1_000_001, 2 ** 53 + 2, Number.NaN, Infinity];

describe('bad input about licenses', () => {
  let world: LicensingWorld;
  let here: ReturnType<typeof administrationOf>;
  let licenseId = '';
  let foreignPlan = '';
  beforeAll(async () => {
    world = await LicensingWorld.create();
    here = administrationOf(world.node);
    const { catalog } = world.node;
    await catalog.createModule({ key: 'desk', name: 'Desk', baseUrl: 'https://desk.example' }, 'seed');
    await catalog.createFeature({ moduleKey: 'desk', key: 'phones', type: 'limit', combine: 'max' }, 'seed');
    foreignPlan = await planOf(world, 'desk-team', 'desk');
    licenseId = await world.license({ seatModel: 'named', seatLimit: 10 });
  });
  afterAll(() => world.close());

  /** The change is refused with a sentence, and neither the licenses nor anything else is another one than before. */
  async function refuses(change: () => Promise<unknown>, status: number, code: string): Promise<void> {
    const before = await licensesOf(world.node, world.organizationId);
    const traces = await world.traced(() =>
      expect(change()).rejects.toMatchObject({
        ...{ status, code, publicMessage: expect.stringMatching(/^[A-Z0-9].*\.$/s) },
      }),
    );
    expect(traces).toEqual({ version: 0, audit: [], outbox: [] });
    expect(await licensesOf(world.node, world.organizationId)).toEqual(before);
  }

  it.each<[string, object]>([
    ['an end before its start', { startsAt: inDays(9), endsAt: inDays(8) }],
    ['an end at its start', { startsAt: inDays(9), endsAt: inDays(9) }],
    ['an end in the past', { endsAt: inDays(-1) }],
    ['a last day in the past', { lastDay: inDays(-3).toISOString().slice(0, 10) }],
    ['a last day before its start', { startsAt: inDays(9), lastDay: inDays(3).toISOString().slice(0, 10) }],
    ['a last day that no month has', { lastDay: '2031-02-29' }],
    ['dates that are none', { startsAt: new Date(Number.NaN) }],
    ['a year that instants cannot carry', { endsAt: new Date('+012026-01-01T00:00:00.000Z') }],
    ['an unknown time zone', { timeZone: 'Europe/Atlantis' }],
    ['an offset for a time zone', { timeZone: '+02:00' }],
    ['a negative grace', { graceDays: -1 }],
    ['a grace of centuries', { graceDays: 100_000 }],
    ['named seats without a limit', seats(null)],
    ['an unlimited limit', { seatModel: 'unlimited', seatLimit: 5 }],
    ['seats of a model that there is not', { seatModel: 'paired', seatLimit: 5 }],
    ...hugeCounts.map((count): [string, object] => [`${count} seats`, seats(count)]),
    ['a lease of no time', { leaseSeconds: 0 }],
    ['a cooldown of centuries', { seatCooldownSeconds: 2 ** 40 }],
    ['an overage that there is not', { overage: 'bill' }],
  ])('a license with %s is refused, issued or as a draft', async (_, changes) => {
    const license = world.terms(changes);
    await refuses(() => world.node.licenses.issue(license, 'admin'), 400, 'invalid_license');
    await refuses(() => world.node.licenses.draft(license, 'admin'), 400, 'invalid_license');
  });

  it('a license on an unknown plan, a plan of another module, or for nobody we know is refused', async () => {
    const unknown = [
      { planVersionId: randomUUID() },
      { planVersionId: foreignPlan },
      { moduleKey: 'desk' },
      { moduleKey: 'absent' },
      { organizationId: randomUUID() },
    ];
    for (const changes of unknown) {
      const license = world.terms(changes);
      await refuses(() => world.node.licenses.issue(license, 'admin'), 404, 'unknown_plan_or_organization');
    }
    await refuses(
      () => world.node.licenses.issue(world.terms({ id: licenseId }), 'admin'),
      409,
      'license_exists',
    );
  });

  it.each<[string, Omit<TermsChange, 'licenseId'>]>([
    ['nothing', {}],
    ['only an instant', { effectiveAt: inDays(3) }],
    ['an instant in the past', { seatLimit: 20, effectiveAt: inDays(-0.01) }],
    ['an instant that is none', { seatLimit: 20, effectiveAt: new Date(Number.NaN) }],
    ['a surplus that ends before it begins', { seatLimit: 5, surplusUntil: inDays(-1) }],
    [
      'a surplus that ends before a later change',
      { seatLimit: 5, effectiveAt: inDays(9), surplusUntil: inDays(3) },
    ],
    ['a surplus of floating seats', { seatModel: 'floating', seatLimit: 5, surplusUntil: inDays(3) }],
    ['unlimited seats with a limit', { seatModel: 'unlimited', seatLimit: 5 }],
    ['named seats without a limit', { seatLimit: null }],
    ...hugeCounts.map((count): [string, Omit<TermsChange, 'licenseId'>] => [
      `${count} seats`,
      { seatLimit: count },
    ]),
  ])('a change of terms that says %s is refused', async (_, change) => {
    await refuses(() => here.terms.changeTerms({ licenseId, ...change }, 'admin'), 400, 'invalid_terms');
  });

  it('a change to a plan that is unknown or of another module is refused', async () => {
    for (const planVersionId of [randomUUID(), foreignPlan]) {
      await refuses(
        () => here.terms.changeTerms({ licenseId, planVersionId }, 'admin'),
        404,
        'unknown_plan_version',
      );
    }
  });

  it.each<[string, Omit<Renewal, 'licenseId'>]>([
    ['no end', {}],
    ['two ends', { lastDay: '2032-12-31', endsAt: inDays(900) }],
    ['an end in the past', { endsAt: inDays(-1), shorten: true }],
    ['a last day in the past', { lastDay: '2026-02-01', shorten: true }],
    ['an end before the start', { endsAt: new Date('2025-12-31T00:00:00.000Z'), shorten: true }],
    ['a last day that no month has', { lastDay: '2032-04-31' }],
    ['a year that instants cannot carry', { endsAt: new Date(8.64e15) }],
    ['a negative grace', { endsAt: null, graceDays: -1 }],
  ])('a renewal with %s is refused', async (_, renewal) => {
    await refuses(() => here.terms.renew({ licenseId, ...renewal }, 'admin'), 400, 'invalid_license');
  });

  it.each<[string, Partial<NewOverride>]>([
    ['of a feature of another module', { feature: 'phones' }],
    ['of a feature that there is not', { feature: 'eksport' }],
    ['of a negative value', { value: -1 }],
    ['of 2^53 + 2', { value: 2 ** 53 + 2 }],
    ['of a value of another type', { value: true }],
    ['of a boolean without a value', { feature: 'export', value: null }],
    ['that ends before it starts', { startsAt: inDays(5), endsAt: inDays(4) }],
    ['that has ended', { startsAt: inDays(-5), endsAt: inDays(-4) }],
    ['of no time', { startsAt: new Date(Number.NaN) }],
  ])('an override %s is refused', async (_, changes) => {
    const override = {
      licenseId,
      feature: 'charts',
      value: 5,
      startsAt: inDays(-1),
      endsAt: null,
      ...changes,
    };
    await refuses(() => world.node.licenses.setOverride(override, 'admin'), 400, 'invalid_override');
  });

  it('an override that ends early ends from now on and before its end', async () => {
    const startsAt = inDays(-2);
    const other = await world.license();
    await world.node.licenses.setOverride(
      { licenseId: other, feature: 'charts', value: 9, startsAt, endsAt: inDays(5) },
      'admin',
    );
    for (const endsAt of [inDays(-1), inDays(5), new Date(Number.NaN)]) {
      await refuses(
        () => world.node.licenses.endOverride({ licenseId: other, feature: 'charts', endsAt }, 'admin'),
        400,
        'invalid_override',
      );
    }
  });

  it('a plan version that is in use, now or only in a scheduled change, is not amended', async () => {
    const { catalog } = world.node;
    const later = await planOf(world, 'reports-later');
    const other = await world.license();
    await catalog.amendPlanVersion(later, { charts: 1 }, 'admin');
    await here.terms.changeTerms({ licenseId: other, planVersionId: later, effectiveAt: inDays(9) }, 'admin');
    for (const id of [world.plan.id, later]) {
      await refuses(() => catalog.amendPlanVersion(id, { charts: 2 }, 'admin'), 409, 'plan_version_in_use');
    }
  });
});
