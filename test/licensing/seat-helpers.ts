import { randomUUID } from 'node:crypto';
import type { SeatModel } from '#licensing';
import { PublicError, sql } from '#platform';
import type { LicensingWorld } from './licensing-world.js';

export const named = (seatLimit: number) => ({ seatModel: 'named', seatLimit }) as const;

/** The code of a refusal; `ok` when there was none. */
export async function outcome(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'ok';
  } catch (error) {
    if (error instanceof PublicError && error.status >= 400 && error.status < 500) return error.code;
    throw error;
  }
}

/** How often each outcome came. */
export function tally(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of outcomes) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
}

/** Changes what a license gives from an instant on, behind everybody's back; a database interval such as `1 second`. */
export async function setTerms(
  world: LicensingWorld,
  licenseId: string,
  terms: { seatModel: SeatModel; seatLimit: number | null },
  after = '0 seconds',
): Promise<void> {
  await world.node.database.query(sql`
    INSERT INTO license_terms (license_id, effective_at, plan_version_id, seat_model, seat_limit)
    VALUES (${licenseId}, clock_timestamp() + ${after}::interval, ${world.plan.id}, ${terms.seatModel},
            ${terms.seatLimit})`);
}

/** A license with floating seats. */
export async function floatingLicense(
  world: LicensingWorld,
  seatLimit: number,
  leaseSeconds = 300,
): Promise<string> {
  const licenseId = await world.license({ ...named(seatLimit), leaseSeconds });
  await world.node.database.query(sql`
    UPDATE license_terms SET seat_model = 'floating' WHERE license_id = ${licenseId}`);
  return licenseId;
}

/** A license file that took seats along. */
export async function takeOffline(
  world: LicensingWorld,
  licenseId: string,
  seatBlock: number,
  { expired = false } = {},
): Promise<string> {
  const id = randomUUID();
  await world.node.database.query(sql`
    INSERT INTO offline_grants (id, license_id, instance, seat_block, sequence, issued_at, expires_at)
    VALUES (${id}, ${licenseId}, ${`instance ${id}`}, ${seatBlock}, 1, now() - interval '2 hours',
            now() + ${expired ? '-1 hour' : '1 hour'}::interval)`);
  return id;
}
