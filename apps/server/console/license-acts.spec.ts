import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../../../test/support/built-process.js';
import { licenseActSentence, peopleOf, plansOf } from './license-acts.js';

const LIBRARY = join(REPOSITORY, 'libs/licensing');

const nameOf = (id: string) => (id === 'u1' ? 'Ada Example' : undefined);

describe('what was done with a license, in words', () => {
  it('names the person of a seat, and by their id whom nobody knows any more', () => {
    expect(licenseActSentence('seat.assign', { user: 'u1' }, nameOf)).toBe('Seat assigned: Ada Example');
    expect(licenseActSentence('seat.release', { user: 'u2' }, nameOf)).toBe('Seat released: u2');
    expect(peopleOf({ user: 'u1' })).toEqual(['u1']);
  });

  it('says which status was reached and which feature was changed', () => {
    expect(licenseActSentence('license.change-status', { status: 'suspended' }, nameOf)).toBe(
      'Became suspended',
    );
    expect(licenseActSentence('license.end-override', { feature: 'export' }, nameOf)).toBe(
      'Feature change given an end: export',
    );
  });

  it('says what was changed, and to what', () => {
    const terms = { effectiveAt: '2027-01-01T00:00:00.000Z', planVersionId: 'p1', surplusUntil: null };
    const named = { ...terms, seatModel: 'named', seatLimit: 5 };
    const all = { ...terms, seatModel: 'unlimited', seatLimit: null };
    const plan = (id: string) => (id === 'p1' ? 'Team, version 2' : undefined);
    const of = (act: string, detail: object) => licenseActSentence(`license.${act}`, detail, plan);
    expect(of('change-terms', { after: named })).toBe(
      'Plan or seats changed: Team, version 2; 5 named seats; from 2027-01-01T00:00:00.000Z',
    );
    expect(of('cancel-change', { cancelled: { ...all, planVersionId: 'p2' } })).toBe(
      'Planned change cancelled: p2; seats for everybody; from 2027-01-01T00:00:00.000Z',
    );
    expect([plansOf({ after: named }), plansOf({ user: 'u1' })]).toEqual([['p1'], []]);
    const override = (value: unknown, removed = false) =>
      of('override', { override: { feature: 'pdf', removed, value } });
    expect([override(true), override(7), override(null), override(null, true)]).toEqual([
      'Feature changed beside the plan: pdf, included',
      'Feature changed beside the plan: pdf, 7',
      'Feature changed beside the plan: pdf, unlimited',
      'Feature changed beside the plan: pdf, not included',
    ]);
    expect(of('renew', { endsAt: '2028-01-01T00:00:00.000Z', lastDay: '2027-12-31' })).toBe(
      'Renewed: 2027-12-31 is the last day',
    );
    expect(of('renew', { endsAt: null, lastDay: null })).toBe('Renewed: without an end');
    expect(of('convert-trial', { endsAt: '2028-01-01T00:00:00.000Z', lastDay: null })).toBe(
      'Trial became a purchase: until 2028-01-01T00:00:00.000Z',
    );
  });

  it('names the instance of a license file', () => {
    expect(licenseActSentence('offline-grant.issue', { instance: 'plant-7', sequence: 2 }, nameOf)).toBe(
      'License file issued: number 2 for plant-7',
    );
  });

  it('has words for every act that the licensing library writes about a license', () => {
    const acts = new Set(
      readdirSync(LIBRARY, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.repository.ts'))
        .flatMap((name) =>
          [
            ...readFileSync(join(LIBRARY, name), 'utf8').matchAll(
              /'((?:license|seat|offline-grant)\.[a-z-]+)'/g,
            ),
          ].map(([, act = '']) => act),
        ),
    );
    expect(acts.size).toBeGreaterThan(15);
    const detail = { status: 'issued', kind: 'license-grace' };
    expect([...acts].filter((act) => licenseActSentence(act, detail, nameOf) === act)).toEqual([]);
  });

  it('says what the clock has brought', () => {
    expect(licenseActSentence('license.announce', { kind: 'license-grace' }, nameOf)).toBe(
      'Ended; the grace began',
    );
    expect(licenseActSentence('license.announce', { kind: 'license-new' }, nameOf)).toBe('license-new');
  });

  it('shows an act that it has no words for by its key, whatever its detail is', () => {
    for (const detail of [null, undefined, 'text', 7, {}, { user: 5 }]) {
      expect(licenseActSentence('license.new-act', detail, nameOf)).toBe('license.new-act');
      expect(peopleOf(detail)).toEqual([]);
    }
  });
});
