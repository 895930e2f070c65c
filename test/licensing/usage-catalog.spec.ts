import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { NewFeature } from '#licensing';
import { sql } from '#platform';
import { LicensingWorld } from './licensing-world.js';

describe('metered features in the catalog', () => {
  let world: LicensingWorld;
  beforeAll(async () => (world = await LicensingWorld.create()));
  afterAll(() => world.close());

  const create = async (feature: Partial<NewFeature>) => {
    const key = `f-${randomUUID().slice(0, 8)}`;
    await world.node.catalog.createFeature(
      { moduleKey: 'reports', key, type: 'metered', combine: 'sum', ...feature },
      'admin',
    );
    return key;
  };
  const stored = async (key: string) => {
    const [row] = await world.node.database.query(sql`
      SELECT type, combine, period, thresholds FROM features WHERE key = ${key}`);
    return row;
  };

  it('have a period and thresholds, a month and 80 and 100 percent unless told', async () => {
    expect(await stored(await create({}))).toEqual({
      ...{ type: 'metered', combine: 'sum', period: 'month', thresholds: [80, 100] },
    });
    expect(await stored(await create({ period: 'day', thresholds: [1, 1000] }))).toEqual({
      ...{ type: 'metered', combine: 'sum', period: 'day', thresholds: [1, 1000] },
    });
    expect(await stored(await create({ thresholds: [] }))).toMatchObject({ thresholds: [] });
  });

  it('are made with one audit row, which tells all of it, and one outbox row', async () => {
    let key = '';
    const traces = await world.traced(async () => (key = await create({ period: 'year', thresholds: [90] })));
    expect(traces).toMatchObject({
      audit: [{ act: 'feature.create', actor: 'admin', target: `reports/${key}` }],
      outbox: [{ kind: 'catalog-changed', subject: 'reports' }],
    });
    const rows = await world.node.database.query(sql`
      SELECT detail FROM audit_events WHERE target = ${`reports/${key}`}`);
    expect(rows).toEqual([{ detail: { type: 'metered', combine: 'sum', period: 'year', thresholds: [90] } }]);
  });

  it.each<[string, object]>([
    ['of an unknown type', { type: 'gauge' }],
    ['of an unknown combination', { combine: 'min' }],
    ['of an unknown period', { period: 'week' }],
    ['with a threshold of 0', { thresholds: [0] }],
    ['with a threshold of 1001', { thresholds: [1001] }],
    ['with half a percent', { thresholds: [99.5] }],
    ['with a threshold that is no number', { thresholds: [NaN] }],
    ['with a threshold twice', { thresholds: [80, 80] }],
    ['with eleven thresholds', { thresholds: Array.from({ length: 11 }, (_, index) => index + 1) }],
    ['that is not metered, with a period', { type: 'boolean', period: 'day' }],
    ['that is not metered, with thresholds', { type: 'limit', thresholds: [80] }],
  ])('a feature %s is refused', async (_, feature) => {
    const traces = await world.traced(() =>
      expect(create(feature as Partial<NewFeature>)).rejects.toMatchObject({
        status: 400,
        code: 'invalid_feature',
      }),
    );
    expect(traces).toEqual({ version: 0, audit: [], outbox: [] });
  });

  it('are sold by a plan with a whole number from 0 up, or null for unlimited', async () => {
    const key = await create({});
    const plan = (value: unknown) =>
      world.node.catalog.createPlanVersion(
        {
          planKey: `p-${randomUUID()}`,
          name: 'P',
          moduleKey: 'reports',
          features: { [key]: value as number },
        },
        'admin',
      );
    for (const value of [0, 1000, null]) await plan(value);
    for (const value of [-1, 1.5, 2 ** 53, true, '5']) {
      await expect(plan(value)).rejects.toMatchObject({ status: 400, code: 'invalid_plan' });
    }
  });
});
