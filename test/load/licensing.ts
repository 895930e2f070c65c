import type { Principal } from '@core-auth/module-kit';
import { LicenseChecker, TokenVerifier } from '@core-auth/module-kit';
import { setTimeout as sleep } from 'node:timers/promises';
import { Line } from '../support/line.js';
import { freePort } from '../support/ports.js';
import { World } from '../support/world.js';
import { startModule, type GuardedModule } from '../modules/guarded-module.js';
import { LicensingWorld } from '../licensing/licensing-world.js';
import type { BenchDatabase } from './bench-database.js';
import { CoreAuthTarget } from './core-auth-target.js';
import { median, percentile } from './driver.js';
import { LICENSE_CHECKS } from './license-checks.js';
import type { Pinning } from './machine.js';
import { Measured, round } from './measure.js';
import type { BenchOptions } from './options.js';
import type { Progress } from './progress.js';
import { count, table } from './report.js';

/** A row of licensing.json. */
export interface LicensingRow {
  readonly operation: string;
  /** The median of the rounds; undefined of what is a time alone. */
  readonly perSecond: number | undefined;
  /** Milliseconds, over all rounds. */
  readonly p50: number;
  readonly p99: number;
}

type Loop = (seconds: number, latencies: number[]) => Promise<number>;

const MODULE_URL = 'https://projects.example';
/** Decisions between two looks at the event stream, which a loop without a pause would never hear. */
const DECISIONS_AT_ONCE = 500;
/** Changes in each round; with the stream cut all at once, since each takes seconds. */
const CHANGES = 20;
const LONGEST_WARM_UP = 2;

/** Steps of the progress. */
export function licensingSteps({ rounds }: BenchOptions): number {
  return 3 + rounds * 6;
}

/** What licenses cost: in a guard's process, over HTTP, at the seats of one organization, and from change to refusal. */
export async function licensing(
  bench: BenchDatabase,
  options: BenchOptions,
  pinning: Pinning | undefined,
  progress: Progress,
): Promise<LicensingRow[]> {
  const checks = await httpChecks(bench, options, pinning, progress);
  const seats = await seatAssignments(options, progress);
  return [...(await guard(options, progress)), ...checks, seats];
}

export function licensingTable(rows: readonly LicensingRow[]): string {
  return table(
    ['licensing', 'per second', 'p50 ms', 'p99 ms'],
    rows.map(({ operation, perSecond, p50, p99 }) => [
      operation,
      perSecond === undefined ? '–' : count(perSecond),
      precise(p50),
      precise(p99),
    ]),
  );
}

/** `POST /v1/licenses/check` at one server process as in production. */
async function httpChecks(
  bench: BenchDatabase,
  { connections, duration, rounds }: BenchOptions,
  pinning: Pinning | undefined,
  progress: Progress,
): Promise<LicensingRow[]> {
  progress.show('starting a server');
  const target = await CoreAuthTarget.start(bench, { sessions: connections, tokens: 0, scales: [], pinning });
  try {
    progress.step();
    const rows: LicensingRow[] = [];
    for (const operation of LICENSE_CHECKS) {
      const warmUp = Math.min(duration, LONGEST_WARM_UP);
      const measured = await Measured.prepare(bench, target, operation, { connections, warmUp });
      for (let number = 1; number <= rounds; number += 1) {
        progress.show(`${operation.title}, round ${number} of ${rounds}`);
        await measured.round(duration);
        progress.step();
      }
      const { perSecond, p50, p99 } = measured.figures;
      rows.push({ operation: operation.name, perSecond, p50, p99 });
    }
    return rows;
  } finally {
    await target.stop();
  }
}

/** Everybody wants a seat of one organization's one license, by two nodes, and gives it back. */
async function seatAssignments(
  { connections, duration, rounds }: BenchOptions,
  progress: Progress,
): Promise<LicensingRow> {
  progress.show('people who want seats');
  const world = await LicensingWorld.create({ nodes: 2 });
  try {
    const licenseId = await world.license({ seatModel: 'named', seatLimit: connections });
    const people = await world.members(connections);
    progress.step();
    const loop: Loop = async (seconds, latencies) => {
      const start = performance.now();
      await Promise.all(
        people.map(async (userId, index) => {
          const { seats } = world.nodes[index % world.nodes.length] ?? world.node;
          while (performance.now() - start < seconds * 1000) {
            const begun = performance.now();
            await seats.assignSeat(licenseId, userId, 'bench');
            latencies.push(performance.now() - begun);
            await seats.releaseSeat(licenseId, userId, 'bench');
          }
        }),
      );
      return (performance.now() - start) / 1000;
    };
    return await inRounds('seat_assignment', loop, { duration, rounds }, progress);
  } finally {
    await world.close();
  }
}

/** A guard that listens to one node by a line that can be cut, while licenses are changed at another. */
async function guard({ duration, rounds }: BenchOptions, progress: Progress): Promise<LicensingRow[]> {
  progress.show('starting two nodes and a module');
  const port = await freePort();
  const line = await Line.open(port);
  const world = await World.start({ env: { PORT: String(port), CORE_AUTH_URL: line.url } });
  const other = await World.start({ beside: world });
  const { id, secret = '' } = world.client('projects');
  const module = await startModule(
    { issuer: line.url },
    { clientId: id, clientSecret: secret, moduleUrl: MODULE_URL, streamSilenceMs: undefined },
  );
  try {
    await module.listening();
    const { tokens } = await world.signedInClient();
    progress.step();
    const decisions = decidingBy(module, tokens.access_token);
    const decided = await inRounds('guard_decision', decisions, { duration, rounds }, progress);
    const up: number[] = [];
    const cut: number[] = [];
    for (let number = 1; number <= rounds; number += 1) {
      const customers = await customersOf(world, number);
      progress.show(`Change to refusal, stream up, round ${number} of ${rounds}`);
      for (const customer of customers) up.push(await refusalAfter(module, other, customer));
      progress.step();
      const others = await customersOf(world, rounds + number);
      for (const { organizationId } of others) await allowed(module, organizationId);
      progress.show(`Change to refusal, stream cut, round ${number} of ${rounds}`);
      line.cutStream();
      cut.push(...(await Promise.all(others.map((customer) => refusalAfter(module, other, customer)))));
      line.restore();
      await module.listening();
      progress.step();
    }
    return [
      decided,
      timesOf('change_to_refusal_stream_up', up),
      timesOf('change_to_refusal_stream_cut', cut),
    ];
  } finally {
    await module.stop();
    await other.stop();
    await world.stop();
    await line.close();
  }
}

/** As the guard of a route does it: the token, which is remembered, then a feature of the organization's license. */
function decidingBy({ app }: GuardedModule, token: string): Loop {
  const [verifier, checker] = [app.get(TokenVerifier), app.get(LicenseChecker)];
  return async (seconds, latencies) => {
    const start = performance.now();
    while (performance.now() - start < seconds * 1000) {
      for (let number = 0; number < DECISIONS_AT_ONCE; number += 1) {
        const begun = performance.now();
        const { sub, client_id: clientId, scope, organization_id } = await verifier.verify(token);
        const { allow } = await checker.decide(
          {
            ...principalOf(organization_id ?? ''),
            ...{ subject: sub, clientId, scopes: new Set(scope.split(' ')), accessToken: token },
            user: { id: sub, roles: [] },
          },
          { feature: 'export' },
        );
        latencies.push(performance.now() - begun);
        if (!allow) throw new Error('the guard denied what is licensed');
      }
      await sleep(0);
    }
    return (performance.now() - start) / 1000;
  };
}

interface Customer {
  readonly organizationId: string;
  readonly licenseId: string;
}

async function customersOf(world: World, series: number): Promise<Customer[]> {
  const customers: Customer[] = [];
  for (let number = 0; number < CHANGES; number += 1) {
    const key = `customer-${series}-${number}`;
    const organizationId = await world.createOrganization(key, key);
    customers.push({ organizationId, licenseId: await world.license(key, 'projects') });
  }
  return customers;
}

/** Milliseconds from the suspension at a node to the first refusal by the guard. */
async function refusalAfter(
  module: GuardedModule,
  node: World,
  { organizationId, licenseId }: Customer,
): Promise<number> {
  await allowed(module, organizationId);
  await node.licenses.changeStatus(licenseId, 'suspended', 'bench');
  const committed = performance.now();
  while ((await decisionOf(module, organizationId)).allow) {
    if (performance.now() - committed > 20_000) throw new Error('the change never reached the guard');
    await sleep(2);
  }
  return performance.now() - committed;
}

async function allowed(module: GuardedModule, organizationId: string): Promise<void> {
  const { allow, code } = await decisionOf(module, organizationId);
  if (!allow) throw new Error(`the guard answered ${code} before the change`);
}

function decisionOf({ app }: GuardedModule, organizationId: string) {
  return app.get(LicenseChecker).decide(principalOf(organizationId));
}

function principalOf(organizationId: string): Principal {
  return {
    ...{ subject: 'bench', clientId: 'bench', scopes: new Set<string>(), permissions: new Set<string>() },
    ...{ organization: { id: organizationId, key: 'bench' }, accessToken: '' },
  };
}

async function inRounds(
  operation: string,
  loop: Loop,
  { duration, rounds }: Pick<BenchOptions, 'duration' | 'rounds'>,
  progress: Progress,
): Promise<LicensingRow> {
  await loop(Math.min(duration, LONGEST_WARM_UP), []);
  const rates: number[] = [];
  let all: number[] = [];
  for (let number = 1; number <= rounds; number += 1) {
    progress.show(`${operation}, round ${number} of ${rounds}`);
    const latencies: number[] = [];
    const seconds = await loop(duration, latencies);
    rates.push(latencies.length / seconds);
    all = all.concat(latencies);
    progress.step();
  }
  return { ...timesOf(operation, all), perSecond: round(median(rates), 1) };
}

function timesOf(operation: string, latencies: readonly number[]): LicensingRow {
  const [p50, p99] = [0.5, 0.99].map((share) => round(percentile(latencies, share), 4));
  return { operation, perSecond: undefined, p50: p50 ?? 0, p99: p99 ?? 0 };
}

function precise(milliseconds: number): string {
  return milliseconds < 1 ? milliseconds.toFixed(4) : milliseconds.toFixed(2);
}
