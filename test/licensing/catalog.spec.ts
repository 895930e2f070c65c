import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { sql } from '#platform';
import { LicensingWorld } from './licensing-world.js';

describe('catalog', () => {
  let world: LicensingWorld;
  beforeAll(async () => (world = await LicensingWorld.create({ nodes: 2 })));
  afterAll(() => world.close());

  const plan = (features: Record<string, boolean | number | null>, planKey = 'reports-solo') => ({
    planKey,
    name: 'Solo',
    moduleKey: 'reports',
    features,
  });

  it('every change writes one audit row and one catalog-changed row', async () => {
    const { catalog } = world.node;
    const told = (subject: string) => [{ kind: 'catalog-changed', subject }];
    const module = { key: 'ledger', name: 'Ledger', baseUrl: 'https://ledger.example/app/' };
    expect(await world.traced(() => catalog.createModule(module, 'admin'))).toMatchObject({
      audit: [{ act: 'module.create', actor: 'admin', target: 'ledger' }],
      outbox: told('ledger'),
    });
    const feature = { moduleKey: 'ledger', key: 'books', type: 'limit', combine: 'max' } as const;
    expect(await world.traced(() => catalog.createFeature(feature, 'admin'))).toMatchObject({
      audit: [{ act: 'feature.create', actor: 'admin', target: 'ledger/books' }],
      outbox: told('ledger'),
    });
    let id = '';
    const created = await world.traced(async () => {
      ({ id } = await catalog.createPlanVersion(plan({ export: true }, 'reports-traced'), 'admin'));
    });
    expect(created).toMatchObject({
      audit: [{ act: 'plan-version.create', actor: 'admin', target: id }],
      outbox: told('reports'),
    });
    expect(await world.traced(() => catalog.amendPlanVersion(id, { charts: 7 }, 'admin'))).toMatchObject({
      audit: [{ act: 'plan-version.amend', actor: 'admin', target: id }],
      outbox: told('reports'),
    });
    expect(await catalog.moduleByKey('ledger')).toEqual({
      key: 'ledger',
      name: 'Ledger',
      baseUrl: 'https://ledger.example/app',
      environment: 'production',
    });
    expect((await catalog.modules()).map(({ key }) => key)).toEqual(['ledger', 'reports']);
  });

  it.each(['licensing', 'readiness'])('no module is named %s, as scopes of this server are', async (key) => {
    const module = { key, name: 'A module', baseUrl: `https://${key}.example` };
    const traces = await world.traced(() =>
      expect(world.node.catalog.createModule(module, 'admin')).rejects.toMatchObject({
        ...{ status: 400, code: 'invalid_module', publicMessage: expect.stringContaining(`"${key}"`) },
      }),
    );
    expect(traces).toEqual({ version: 0, audit: [], outbox: [] });
  });

  it('a plan names only features of its module, with values of their types, and the refusal names each problem', async () => {
    const { catalog } = world.node;
    await expect(catalog.createPlanVersion(plan({ eksport: true }), 'admin')).rejects.toMatchObject({
      status: 400,
      code: 'invalid_plan',
      publicMessage: 'The module has no feature "eksport".',
    });
    await expect(catalog.createPlanVersion(plan({ export: 3, charts: 1.5 }), 'admin')).rejects.toMatchObject({
      publicMessage:
        'The feature "export" is true or false. ' +
        'The feature "charts" is a whole number from 0 up, or null for unlimited.',
    });
    await expect(catalog.createPlanVersion(plan({ export: null }), 'admin')).rejects.toMatchObject({
      status: 400,
    });
    await expect(
      catalog.createPlanVersion({ ...plan({}), moduleKey: 'absent' }, 'admin'),
    ).rejects.toMatchObject({ status: 404, code: 'unknown_module' });
  });

  it('versions of a plan count from 1, and of two made at once at most one is refused', async () => {
    const made = [];
    for (let round = 0; round < 5; round += 1) {
      const results = await Promise.allSettled(
        world.nodes.map(({ catalog }) => catalog.createPlanVersion(plan({ charts: round }), 'admin')),
      );
      for (const result of results) {
        if (result.status === 'fulfilled') made.push(result.value.version);
        else expect(result.reason).toMatchObject({ status: 409, code: 'plan_conflict' });
      }
    }
    expect(made.length).toBeGreaterThanOrEqual(5);
    expect(made.sort((a, b) => a - b)).toEqual(made.map((_, index) => index + 1));
  });

  it('a plan belongs to one module, and module keys, base URLs and features are unique', async () => {
    const { catalog } = world.node;
    await catalog.createModule({ key: 'desk', name: 'Desk', baseUrl: 'https://desk.example' }, 'admin');
    await catalog.createPlanVersion(plan({}, 'reports-only'), 'admin');
    await expect(
      catalog.createPlanVersion({ ...plan({}, 'reports-only'), moduleKey: 'desk' }, 'admin'),
    ).rejects.toMatchObject({ code: 'plan_conflict' });
    for (const [key, baseUrl] of [
      ['desk', 'https://other.example'],
      ['other', 'https://desk.example/'],
    ] as const) {
      await expect(catalog.createModule({ key, name: 'Again', baseUrl }, 'admin')).rejects.toMatchObject({
        status: 409,
        code: 'module_taken',
      });
    }
    await expect(
      catalog.createFeature(
        { moduleKey: 'reports', key: 'charts', type: 'boolean', combine: 'max' },
        'admin',
      ),
    ).rejects.toMatchObject({ status: 409, code: 'feature_taken' });
  });

  it('a plan version changes until a license refers to it, and never afterwards', async () => {
    const { catalog } = world.node;
    const { id } = await catalog.createPlanVersion(plan({ charts: 1 }, 'reports-fixed'), 'admin');
    await catalog.amendPlanVersion(id, { charts: 2 }, 'admin');
    await world.license({ planVersionId: id });
    await expect(catalog.amendPlanVersion(id, { charts: 3 }, 'admin')).rejects.toMatchObject({
      status: 409,
      code: 'plan_version_in_use',
    });
    const rows = await world.node.database.query(sql`SELECT features FROM plan_versions WHERE id = ${id}`);
    expect(rows).toEqual([{ features: { charts: 2 } }]);
  });

  it('a plan version is not amended behind the back of a license that is just being issued', async () => {
    const { catalog, database } = world.node;
    const { id } = await catalog.createPlanVersion(plan({ charts: 1 }, 'reports-raced'), 'admin');
    let amended: Promise<unknown> = Promise.resolve();
    await database.transaction(async (transaction) => {
      await transaction.query(sql`
        WITH licensed AS (
          INSERT INTO licenses (id, organization_id, module_key, status, starts_at)
          VALUES (${randomUUID()}, ${world.organizationId}, 'reports', 'issued', now()) RETURNING id
        )
        INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model)
        SELECT id, now(), ${id}, 'unlimited' FROM licensed`);
      amended = world.nodes[1]?.catalog.amendPlanVersion(id, { charts: 2 }, 'admin') ?? amended;
      amended.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    await expect(amended).rejects.toMatchObject({ code: 'plan_version_in_use' });
    const rows = await database.query(sql`SELECT features FROM plan_versions WHERE id = ${id}`);
    expect(rows).toEqual([{ features: { charts: 1 } }]);
  });
});
