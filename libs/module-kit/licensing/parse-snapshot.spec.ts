import { describe, expect, it } from '@jest/globals';
import { reportsSnapshot } from '../../../test/support/license-snapshot.js';
import { LicenseSnapshotError, parseLicenseSnapshot } from './parse-snapshot.js';

/** `reportsSnapshot()` with the field at a dotted path replaced. */
function broken(path: string, value: unknown): unknown {
  const root: unknown = reportsSnapshot();
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let holder = root as Record<string, unknown>;
  for (const key of keys) holder = holder[key] as Record<string, unknown>;
  holder[last] = value;
  return root;
}

describe('parseLicenseSnapshot', () => {
  it('gives back a sound snapshot and leaves unknown fields behind', () => {
    expect(parseLicenseSnapshot({ ...reportsSnapshot(), added: 'by a newer server' })).toEqual(
      reportsSnapshot(),
    );
  });

  it('takes what license files took along, which a server from before does not tell', () => {
    const offlineBlocks = [{ seats: 4, until: '2026-03-01T00:00:00.000Z' }];
    const [license] = parseLicenseSnapshot(broken('licenses.0.offlineBlocks', offlineBlocks)).licenses;
    expect(license?.offlineBlocks).toEqual(offlineBlocks);
  });

  it('takes terms in the order of time, of which the year 12026 comes after 2026', () => {
    const [first] = reportsSnapshot().licenses[0]?.terms ?? [];
    const terms = [first, { ...first, effectiveAt: '+012026-01-01T00:00:00.000Z' }];
    expect(parseLicenseSnapshot(broken('licenses.0.terms', terms)).licenses[0]?.terms).toEqual(terms);
  });

  it.each([null, undefined, 'text', 7, [], [[]]])('refuses %p, which is no object', (json) => {
    expect(() => parseLicenseSnapshot(json)).toThrow(LicenseSnapshotError);
  });

  it.each([
    ['organization', null, 'organization must be an object'],
    ['organization.id', '', 'organization.id must be a text that is not empty'],
    ['organization.state', 'closed', 'organization.state must be one of active, suspended'],
    ['version', -1, 'version must be a whole number from 0 up'],
    ['version', '3', 'version must be a whole number from 0 up'],
    ['version', 2 ** 53, 'version must be a whole number from 0 up'],
    ['modules', {}, 'modules must be an array'],
    [
      'modules.0.features.0.type',
      'text',
      'modules[0].features[0].type must be one of boolean, limit, metered',
    ],
    ['modules.0.features.0.type', 'metered', 'modules[0].features[0].period must be one of day, month, year'],
    ['licenses.0.terms', [], 'licenses[0].terms must be an array that is not empty, the earliest first'],
    [
      'licenses.0.terms.1',
      reportsSnapshot().licenses[0]?.terms[0],
      'licenses[0].terms must be free of repetitions',
    ],
    ['licenses.0.status', 'expired', 'licenses[0].status must be one of draft, issued, suspended'],
    ['licenses.0.startsAt', '2026-01-01T00:00:00', 'licenses[0].startsAt must be an instant'],
    ['licenses.0.startsAt', '2026-02-30T00:00:00.000Z', 'licenses[0].startsAt must be an instant'],
    ['licenses.0.endsAt', '2026-01-01T00:00:00.000Z', 'licenses[0].endsAt must be after startsAt'],
    ['licenses.0.endsAt', undefined, 'licenses[0].endsAt must be an instant'],
    ['licenses.0.graceDays', 1.5, 'licenses[0].graceDays must be a whole number'],
    [
      'licenses.0.terms.0.seatLimit',
      null,
      'licenses[0].terms[0].seatLimit must be null exactly when seats are unlimited',
    ],
    [
      'licenses.0.terms.0.seatModel',
      'unlimited',
      'licenses[0].terms[0].seatLimit must be null exactly when seats are unlimited',
    ],
    ['licenses.0.trial', 'no', 'licenses[0].trial must be true or false'],
    ['licenses.0.terms.0.features', [], 'licenses[0].terms[0].features must be an object'],
    ['licenses.0.terms.0.features.charts', -5, 'licenses[0].terms[0].features.charts must be true, false'],
    ['licenses.0.terms.0.features.charts', '5', 'licenses[0].terms[0].features.charts must be true, false'],
    ['licenses.0.overrides.0.removed', null, 'licenses[0].overrides[0].removed must be true or false'],
    ['licenses.0.seats.1', 'ada', 'licenses[0].seats must be free of repetitions'],
    [
      'licenses.0.terms.1',
      { ...reportsSnapshot().licenses[0]?.terms[0], effectiveAt: '2025-12-31T00:00:00.000Z' },
      'licenses[0].terms must be an array that is not empty, the earliest first',
    ],
    ['licenses.0.seats.0', 7, 'licenses[0].seats[0] must be a text'],
    ['licenses.0.offlineBlocks', null, 'licenses[0].offlineBlocks must be an array'],
    [
      'licenses.0.offlineBlocks',
      [{ seats: -1, until: '2026-03-01T00:00:00.000Z' }],
      'licenses[0].offlineBlocks[0].seats must be a whole number',
    ],
    [
      'licenses.0.offlineBlocks',
      [{ seats: 4, until: 'soon' }],
      'licenses[0].offlineBlocks[0].until must be an instant',
    ],
    ['licenses.1', reportsSnapshot().licenses[0], 'licenses must be free of repetitions'],
    ['modules.1', reportsSnapshot().modules[0], 'modules must be free of repetitions'],
  ])('refuses %s = %p and names the place', (path, value, message) => {
    expect(() => parseLicenseSnapshot(broken(path, value))).toThrow(message);
  });
});
