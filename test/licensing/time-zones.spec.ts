import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Prints one decision per instant, and what the host calls midnight, to show that its zone is in force. */
const program = `
  import { register } from 'node:module';
  register('./test/support/typescript-hooks.mjs', 'file://' + process.cwd() + '/');
  const { decide, parseLicenseSnapshot } = await import(process.cwd() + '/libs/module-kit/licensing/index.ts');
  const { snapshot, instants } = JSON.parse(process.argv[1]);
  const question = { userId: 'ada', module: 'reports', environment: 'production' };
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
    seatModel: 'unlimited',
    seatLimit: null,
    overAllocated: false,
    features: {},
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
  readonly decisions: { code: string; nextTransitionAt: string | null }[];
}

async function decideIn(zone: string): Promise<Answer> {
  const input = JSON.stringify({ snapshot, instants });
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program, input], {
    env: { ...process.env, TZ: zone, NODE_OPTIONS: '' },
  });
  return JSON.parse(stdout) as Answer;
}

describe('decisions on hosts in other time zones', () => {
  it('are the same at ends_at - 1 ms, ends_at and the end of grace in Kiritimati, Los Angeles and UTC', async () => {
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
});
