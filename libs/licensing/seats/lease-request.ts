import { PublicError } from '#platform';
import { isUuid } from './seat.js';

/** Of which license who is to get a floating seat, and what they work at. */
export interface WantedLease {
  readonly organizationId: string;
  readonly licenseId: string;
  readonly userId: string;
  readonly device: string;
}

/** A lease as a module names it: of the license, whose fence numbers no two leases share. */
export interface LeaseName {
  readonly licenseId: string;
  readonly fence: number;
}

/**
 * The body of `POST /v1/leases`.
 * @throws PublicError 400 `invalid_lease` when it is no JSON object, or a member is missing or wrong
 */
export function parseLeaseBody(body: unknown): WantedLease {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('What is leased is told as a JSON object.');
  }
  const { organization_id, license_id, user_id, device } = body as Record<string, unknown>;
  const uuid = (name: string, value: unknown): string => {
    if (typeof value === 'string' && isUuid(value)) return value.toLowerCase();
    throw invalid(`${name} is a UUID.`);
  };
  if (typeof device !== 'string') throw invalid('device is what the person works at, a text.');
  return {
    organizationId: uuid('organization_id', organization_id),
    licenseId: uuid('license_id', license_id),
    userId: uuid('user_id', user_id),
    device,
  };
}

/** Undefined for a text that names no lease. */
export function parseLeaseName(id: string): LeaseName | undefined {
  const [licenseId = '', number = '', ...more] = id.split('.');
  const fence = Number(number);
  const sound = isUuid(licenseId) && /^[1-9][0-9]*$/.test(number) && Number.isSafeInteger(fence);
  return sound && more.length === 0 ? { licenseId: licenseId.toLowerCase(), fence } : undefined;
}

export function leaseName({ licenseId, fence }: LeaseName): string {
  return `${licenseId}.${fence}`;
}

function invalid(sentence: string): PublicError {
  return new PublicError(400, 'invalid_lease', sentence);
}
