import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

describe('plans and features over HTTP', () => {
  let admin: AdministrationWorld;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
  });
  afterAll(() => admin.stop());

  const post = (path: string, body: unknown) => admin.operate('POST', path, { body });
  const plan = (changes: object = {}) => ({
    ...{ plan: 'gold', name: 'Gold', module: 'reports', features: { export: true }, ...changes },
  });

  it('makes versions of a plan that count from 1, lists them, and keeps one in use as it is', async () => {
    const first = await post('/v1/plans', plan());
    const second = await post('/v1/plans', plan({ features: {} }));
    expect([first.status, first.body['version'], second.body['version']]).toEqual([201, 1, 2]);
    const id = String(second.body['id']);
    const amend = () =>
      admin.operate('PUT', `/v1/plans/${id}/features`, { body: { features: { export: false } } });
    expect((await amend()).status).toBe(204);
    await admin.issued({ plan_version_id: id });
    const refused = await amend();
    expect([refused.status, refused.body['code']]).toEqual([409, 'plan_version_in_use']);
    const { body } = await admin.operate('GET', '/v1/plans?module=reports');
    expect(body['plans']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          id: first.body['id'],
          version: 1,
          features: { export: true },
          in_use: false,
        }),
        expect.objectContaining({ id, version: 2, features: { export: false }, in_use: true }),
      ]),
    );
  });

  it('gives a module features, which plans may then name', async () => {
    const feature = {
      module: 'reports',
      key: 'rows',
      type: 'metered',
      combine: 'sum',
      period: 'day',
      thresholds: [50],
    };
    expect((await post('/v1/features', feature)).status).toBe(201);
    const again = await post('/v1/features', feature);
    expect([again.status, again.body['code']]).toEqual([409, 'feature_taken']);
    const { body } = await admin.operate('GET', '/v1/features?module=reports');
    expect(body['features']).toContainEqual(feature);
    expect((await post('/v1/plans', plan({ plan: 'rows', features: { rows: null } }))).status).toBe(201);
  });

  it.each([
    ['a plan of an unknown module', '/v1/plans', plan({ module: 'nothing' }), 404, 'unknown_module'],
    ['a feature of another module', '/v1/plans', plan({ features: { charts: 3 } }), 400, 'invalid_plan'],
    ['a number for a yes or no', '/v1/plans', plan({ features: { export: 3 } }), 400, 'invalid_plan'],
    ['2^53+1 of a feature', '/v1/plans', plan({ features: { export: 2 ** 53 + 2 } }), 400, 'invalid_request'],
    ['a value that is none', '/v1/plans', plan({ features: { export: 'yes' } }), 400, 'invalid_request'],
    ['a list of features', '/v1/plans', plan({ features: ['export'] }), 400, 'invalid_request'],
    ['a name of U+0000', '/v1/plans', plan({ name: '\0' }), 400, 'invalid_request'],
    ['a plan that is no key', '/v1/plans', plan({ plan: 'Gold' }), 400, 'invalid_request'],
    ["another module's plan", '/v1/plans', plan({ plan: 'projects' }), 409, 'plan_conflict'],
    [
      'a period of what is not metered',
      '/v1/features',
      { module: 'reports', key: 'x', type: 'boolean', combine: 'max', period: 'day' },
      400,
      'invalid_feature',
    ],
    [
      'a threshold of nothing',
      '/v1/features',
      { module: 'reports', key: 'x', type: 'metered', combine: 'max', thresholds: [0] },
      400,
      'invalid_feature',
    ],
    [
      'thresholds that are no numbers',
      '/v1/features',
      { module: 'reports', key: 'x', type: 'metered', combine: 'max', thresholds: ['a'] },
      400,
      'invalid_request',
    ],
  ])('refuses %s', async (_, path, body, status, code) => {
    const answer = await post(path, body);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });

  it('knows no plan version and no module that there is not', async () => {
    for (const id of [randomUUID(), 'x']) {
      const { status, body } = await admin.operate('PUT', `/v1/plans/${id}/features`, {
        body: { features: {} },
      });
      expect([status, body['code']]).toEqual([404, 'unknown_plan_version']);
    }
    expect((await admin.operate('GET', '/v1/features?module=nothing')).status).toBe(404);
  });
});
