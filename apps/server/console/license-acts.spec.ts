import { describe, expect, it } from '@jest/globals';
import { licenseActSentence, peopleOf } from './license-acts.js';

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
