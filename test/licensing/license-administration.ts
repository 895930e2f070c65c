import {
  HistoryRepository,
  LicenseDetailsRepository,
  LicenseTermsRepository,
  PlanRepository,
  TrialRepository,
  type LicenseDetails,
} from '#licensing';
import { Clock, sql } from '#platform';
import type { LicensingWorld, Node } from './licensing-world.js';

/** What administers licenses, on one node. */
export function administrationOf({ database }: Node) {
  return {
    terms: new LicenseTermsRepository(database),
    details: new LicenseDetailsRepository(database),
    trials: new TrialRepository(database, new Clock()),
    plans: new PlanRepository(database),
    history: new HistoryRepository(database),
  };
}

export const DAY = 86_400_000;

/** An instant this many days from now. */
export function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY);
}

/** What the tables say of an organization's licenses, by id, in the shape of the history. */
export async function licensesOf(
  { database }: Node,
  organizationId: string,
): Promise<Map<string, LicenseDetails>> {
  const details = new LicenseDetailsRepository(database);
  const rows = await database.query<{ id: string; seats: string[] }>(sql`
    SELECT id, ARRAY (SELECT user_id::text FROM seat_assignments
                       WHERE license_id = licenses.id AND released_at IS NULL ORDER BY user_id) AS seats
      FROM licenses WHERE organization_id = ${organizationId} ORDER BY id`);
  const licenses = new Map<string, LicenseDetails>();
  for (const { id, seats } of rows) {
    const { organizationId: owner, ...license } = await details.find(id);
    if (owner !== organizationId) throw new Error('a license changed hands');
    licenses.set(id, { ...license, seats });
  }
  return licenses;
}

/** The database's time, to the millisecond after everything that it has done so far. */
export async function databaseTime({ database }: Node): Promise<Date> {
  const [row] = await database.query<{ now: Date }>(sql`
    SELECT clock_timestamp() AS now FROM pg_sleep(0.002)`);
  if (!row) throw new Error('a SELECT gave no row');
  return row.now;
}

/** A plan version of a plan of its own. */
export async function planOf(world: LicensingWorld, planKey: string, moduleKey = 'reports'): Promise<string> {
  const { id } = await world.node.catalog.createPlanVersion(
    { planKey, name: planKey, moduleKey, features: {} },
    'seed',
  );
  return id;
}
