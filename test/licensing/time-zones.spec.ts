import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { administrationOf } from './license-administration.js';
import { LicensingWorld } from './licensing-world.js';

const run = promisify(execFile);

/** Prints one decision per instant, and what the host calls midnight, to show that its zone is in force. */
const program = `
  import { register } from 'node:module';
  register('./test/support/typescript-hooks.mjs', 'file://' + process.cwd() + '/');
  const { decide, parseLicenseSnapshot } = await import(process.cwd() + '/libs/module-kit/licensing/index.ts');
  const { snapshot, instants, question } = JSON.parse(process.argv[1]);
  const parsed = parseLicenseSnapshot(snapshot);
  console.log(JSON.stringify({
    midnight: new Date(2026, 2, 29).toISOString(),
    decisions: instants.map((instant) => decide(parsed, question, new Date(instant))),
  }));
`;

const license = {
  ...{ id: 'license-1', module: 'reports', environment: 'production', status: 'issued', trial: false },
  // both ends lie on days when clocks change in many places, so that a grace of local days would differ
  ...{ startsAt: '2026-03-08T09:30:00.000Z', endsAt: '2026-10-25T00:00:00.000Z', graceDays: 10 },
  ...{
    overage: 'refuse',
    timeZone: 'UTC',
    seatOnFirstUse: false,
    terms: [
      {
        effectiveAt: '2026-03-08T09:30:00.000Z',
        seatModel: 'unlimited',
        seatLimit: null,
        surplusUntil: null,
        features: {},
      },
    ],
    overrides: [],
    seats: [],
  },
};

const snapshot = {
  organization: { id: 'organization-1', key: 'acme', state: 'active' },
  version: 1,
  modules: [
    {
      key: 'reports',
      name: 'Reports',
      environment: 'production',
      baseUrl: 'https://reports.example',
      features: [],
    },
  ],
  licenses: [license],
};

const instants = [
  '2026-03-08T09:29:59.999Z',
  '2026-03-08T09:30:00.000Z',
  '2026-10-24T23:59:59.999Z',
  '2026-10-25T00:00:00.000Z',
  '2026-11-03T23:59:59.999Z',
  '2026-11-04T00:00:00.000Z',
];

interface Answer {
  readonly midnight: string;
  readonly decisions: { code: string; limit?: number; nextTransitionAt: string | null }[];
}

const ada = { userId: 'ada', module: 'reports', environment: 'production' };

async function decideIn(
  zone: string,
  asked: object = { snapshot, instants, question: ada },
): Promise<Answer> {
  const input = JSON.stringify(asked);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program, input], {
    env: { ...process.env, TZ: zone, NODE_OPTIONS: '' },
  });
  return JSON.parse(stdout) as Answer;
}

describe('decisions on hosts in other time zones', () => {
  it('hard case 4: are the same at ends_at - 1 ms, ends_at and the end of grace in Kiritimati, Los Angeles and UTC', async () => {
    const kiritimati = await decideIn('Pacific/Kiritimati');
    const losAngeles = await decideIn('America/Los_Angeles');
    const utc = await decideIn('UTC');
    expect([kiritimati.midnight, losAngeles.midnight]).toEqual([
      '2026-03-28T10:00:00.000Z',
      '2026-03-29T07:00:00.000Z',
    ]);
    expect(utc.decisions.map(({ code }) => code)).toEqual([
      'NOT_STARTED',
      'OK',
      'OK',
      'OK_GRACE',
      'OK_GRACE',
      'EXPIRED',
    ]);
    expect(kiritimati.decisions).toEqual(utc.decisions);
    expect(losAngeles.decisions).toEqual(utc.decisions);
  });

  describe('of licenses that PostgreSQL keeps', () => {
    let world: LicensingWorld;
    beforeAll(async () => (world = await LicensingWorld.create()));
    afterAll(() => world.close());

    // where clocks went back that night, on the first and the last place where it is a day, and where the day has 23 hours
    const lastDays = [
      ['Europe/Berlin', '2038-10-31', '2038-10-31T23:00:00.000Z'],
      ['Pacific/Kiritimati', '2038-12-31', '2038-12-31T10:00:00.000Z'],
      ['America/Los_Angeles', '2038-12-31', '2039-01-01T08:00:00.000Z'],
      ['America/Los_Angeles', '2038-03-14', '2038-03-15T07:00:00.000Z'],
      ['Asia/Kathmandu', '2040-02-29', '2040-02-29T18:15:00.000Z'],
    ] as const;

    it.each(lastDays)(
      'hard case 4, with no job running: the last day in %s is %s until %s, the plan changes before it, and every host says the same at each boundary',
      async (timeZone, lastDay, endsAt) => {
        const { licenses, catalog } = world.node;
        const { terms, details } = administrationOf(world.node);
        const { id: organizationId } = await world.node.accounts.createOrganization(
          { key: `customer-${randomUUID().slice(0, 13)}`, name: 'A customer' },
          'seed',
        );
        const { id: bigger } = await catalog.createPlanVersion(
          { planKey: 'reports-bigger', name: 'Bigger', moduleKey: 'reports', features: { charts: 50 } },
          'seed',
        );
        const licenseId = await world.license({ organizationId, timeZone, lastDay, graceDays: 10 });
        expect(await details.find(licenseId)).toMatchObject({ endsAt, lastDay });
        const end = Date.parse(endsAt);
        const [upgrade, over] = [new Date(end - 86_400_000), end + 10 * 86_400_000];
        await terms.changeTerms({ licenseId, planVersionId: bigger, effectiveAt: upgrade }, 'admin');
        const at = [upgrade.getTime() - 1, upgrade.getTime(), end - 1, end, over - 1, over];
        const asked = {
          snapshot: await licenses.snapshot(organizationId),
          instants: at.map((one) => new Date(one).toISOString()),
          question: { ...ada, feature: 'charts' },
        };
        const utc = await decideIn('UTC', asked);
        expect(utc.decisions.map(({ code, limit }) => [code, limit])).toEqual([
          ['OK', 5],
          ['OK', 50],
          ['OK', 50],
          ['OK_GRACE', 50],
          ['OK_GRACE', 50],
          ['EXPIRED', undefined],
        ]);
        expect(utc.decisions[0]?.nextTransitionAt).toBe(upgrade.toISOString());
        for (const host of ['Pacific/Kiritimati', 'America/Los_Angeles']) {
          expect((await decideIn(host, asked)).decisions).toEqual(utc.decisions);
        }
      },
    );
  });
});
