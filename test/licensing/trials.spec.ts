import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { OrganizationRemovalRepository } from '#accounts';
import { decide } from '#licensing';
import { Clock, sql } from '#platform';
import { administrationOf, DAY, inDays, planOf } from './license-administration.js';
import { LicensingWorld } from './licensing-world.js';

describe('trials', () => {
  let world: LicensingWorld;
  let here: ReturnType<typeof administrationOf>;
  let organizationId = '';
  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2 });
    here = administrationOf(world.node);
    await world.node.catalog.createModule(
      { key: 'desk', name: 'Desk', baseUrl: 'https://desk.example' },
      'seed',
    );
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    organizationId = randomUUID();
    const key = `customer-${organizationId.slice(0, 8)}`;
    await world.node.accounts.createOrganization({ id: organizationId, key, name: 'A customer' }, 'seed');
  });

  const trial = (changes: object = {}) => ({
    ...{ organizationId, moduleKey: 'reports', planVersionId: world.plan.id, days: 30 },
    ...changes,
  });

  async function answerAt(at: Date) {
    const snapshot = await world.node.licenses.snapshot(organizationId);
    return decide(snapshot, { userId: 'ada', module: 'reports', environment: 'production' }, at);
  }

  async function rows() {
    const [counted] = await world.node.database.query<Record<string, string>>(sql`
      SELECT (SELECT count(*) FROM licenses WHERE organization_id = ${organizationId}) AS licenses,
             (SELECT count(*) FROM trial_ledger WHERE organization_id = ${organizationId}) AS ledger,
             (SELECT count(*) FROM audit_events
               WHERE organization_id = ${organizationId} AND act LIKE 'license.%') AS audit,
             (SELECT count(*) FROM outbox
               WHERE organization_id = ${organizationId} AND kind = 'license-changed') AS outbox`);
    return Object.fromEntries(Object.entries(counted ?? {}).map(([name, count]) => [name, Number(count)]));
  }

  it('run for their days to the millisecond, then are TRIAL_ENDED', async () => {
    const { licenseId, licenseVersion } = await here.trials.startTrial(trial(), 'admin');
    expect(licenseVersion).toBe(1);
    const { endsAt, startsAt, trial: isTrial } = await here.details.find(licenseId);
    expect(isTrial).toBe(true);
    const end = Date.parse(endsAt ?? '');
    expect(end - Date.parse(startsAt)).toBe(30 * DAY);
    expect((await answerAt(new Date(startsAt))).code).toBe('OK');
    expect((await answerAt(new Date(end - 1))).code).toBe('OK');
    expect((await answerAt(new Date(end))).code).toBe('TRIAL_ENDED');
    expect(await rows()).toEqual({ licenses: 1, ledger: 1, audit: 1, outbox: 1 });
  });

  it('are one of a module for an organization for ever, also when the license is gone', async () => {
    const { licenseId } = await here.trials.startTrial(trial(), 'admin');
    await world.node.licenses.changeStatus(licenseId, 'cancelled', 'admin');
    await world.node.database.query(sql`DELETE FROM licenses WHERE id = ${licenseId}`);
    const before = await rows();
    await expect(here.trials.startTrial(trial(), 'admin')).rejects.toMatchObject({
      status: 409,
      code: 'trial_used',
    });
    expect(await rows()).toEqual(before);
    const desk = await planOf(world, 'desk-trial', 'desk');
    await here.trials.startTrial(trial({ moduleKey: 'desk', planVersionId: desk }), 'admin');
  });

  it('cannot be had again by issuing one, nor by a draft', async () => {
    const license = world.terms({ organizationId, trial: true });
    await world.node.licenses.issue(license, 'admin');
    for (const again of [
      () => world.node.licenses.issue(license, 'admin'),
      () => world.node.licenses.draft(license, 'admin'),
      () => here.trials.startTrial(trial(), 'admin'),
    ]) {
      await expect(again()).rejects.toMatchObject({ status: 409, code: 'trial_used' });
    }
    expect(await rows()).toEqual({ licenses: 1, ledger: 1, audit: 1, outbox: 1 });
  });

  it('of 20 started at once on two nodes one begins, and none of the others leaves a trace', async () => {
    const attempts = Array.from({ length: 20 }, (_, index) =>
      administrationOf(world.nodes[index % 2] ?? world.node).trials.startTrial(trial(), 'admin'),
    );
    const results = await Promise.allSettled(attempts);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(19);
    for (const { reason } of refused) expect(reason).toMatchObject({ status: 409, code: 'trial_used' });
    expect(await rows()).toEqual({ licenses: 1, ledger: 1, audit: 1, outbox: 1 });
  });

  it('become paid licenses with a term, seats and all, running or ended, and the ledger remembers', async () => {
    const { licenseId } = await here.trials.startTrial(trial(), 'admin');
    const paid = await here.trials.convertTrial(
      { licenseId, lastDay: '2031-12-31', graceDays: 14 },
      'admin',
      { expectedVersion: 1 },
    );
    expect(paid.licenseVersion).toBe(2);
    expect(await here.details.find(licenseId)).toMatchObject({
      ...{ trial: false, endsAt: '2032-01-01T00:00:00.000Z', lastDay: '2031-12-31', graceDays: 14 },
    });
    expect((await answerAt(new Date('2032-01-15T00:00:00.000Z'))).code).toBe('EXPIRED');
    await expect(here.trials.convertTrial({ licenseId, endsAt: null }, 'admin')).rejects.toMatchObject({
      status: 409,
      code: 'not_a_trial',
    });
    await expect(here.trials.startTrial(trial(), 'admin')).rejects.toMatchObject({ code: 'trial_used' });
    expect(await rows()).toEqual({ licenses: 1, ledger: 1, audit: 2, outbox: 2 });
  });

  it('that have ended are converted as well', async () => {
    const { licenseId } = await here.trials.startTrial(trial(), 'admin');
    const ended = new Date(Date.now() + 1);
    await world.end(licenseId, ended);
    expect((await answerAt(ended)).code).toBe('TRIAL_ENDED');
    await here.trials.convertTrial({ licenseId, endsAt: inDays(365) }, 'admin');
    // after the instant, to the microsecond, at which the database wrote it
    expect((await answerAt(new Date(Date.now() + 1))).code).toBe('OK');
  });

  it('are refused for an unknown plan, a plan of another module, an unknown organization and days that are none', async () => {
    const desk = await planOf(world, `desk-${organizationId.slice(0, 8)}`, 'desk');
    const refusals: [object, number, string][] = [
      [{ planVersionId: randomUUID() }, 404, 'unknown_plan_or_organization'],
      [{ planVersionId: desk }, 404, 'unknown_plan_or_organization'],
      [{ organizationId: randomUUID() }, 404, 'unknown_plan_or_organization'],
      ...[0, -1, 366, 1.5, Number.NaN, 2 ** 53].map((days): [object, number, string] => [
        { days },
        400,
        'invalid_trial',
      ]),
      [{ timeZone: 'Moon/Crater' }, 400, 'invalid_license'],
      [{ seats: { model: 'named', limit: null } }, 400, 'invalid_license'],
    ];
    for (const [changes, status, code] of refusals) {
      await expect(here.trials.startTrial(trial(changes), 'admin')).rejects.toMatchObject({ status, code });
    }
    expect(await rows()).toEqual({ licenses: 0, ledger: 0, audit: 0, outbox: 0 });
  });

  it('are not given again after the organization has ended, should it come back under its id', async () => {
    await here.trials.startTrial(trial(), 'admin');
    const { database, accounts } = world.node;
    await database.query(
      sql`UPDATE organizations SET deletion_at = now() - interval '1 minute' WHERE id = ${organizationId}`,
    );
    const removal = new OrganizationRemovalRepository(database, new Clock());
    await removal.sweep(100);
    await removal.sweep(100);
    expect(await accounts.organizationById(organizationId)).toBeUndefined();
    expect(await rows()).toMatchObject({ licenses: 0, ledger: 1 });
    const key = `again-${organizationId.slice(0, 8)}`;
    await accounts.createOrganization({ id: organizationId, key, name: 'A customer' }, 'seed');
    await expect(here.trials.startTrial(trial(), 'admin')).rejects.toMatchObject({
      status: 409,
      code: 'trial_used',
    });
    expect(await rows()).toMatchObject({ licenses: 0, ledger: 1 });
  });
});
