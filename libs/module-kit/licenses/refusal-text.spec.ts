import { describe, expect, it } from '@jest/globals';
import { describeRefusal } from './refusal-text.js';

const about = { module: 'Projects', organization: 'Acme' };
const detail = (
  code: 'FEATURE_NOT_INCLUDED' | 'LIMIT_EXCEEDED',
  more: { feature?: string; limit?: number },
) => describeRefusal(code, { ...about, ...more }).detail;

describe('what a refusal says', () => {
  it('names a feature in words, not by a quoted key', () => {
    expect(detail('FEATURE_NOT_INCLUDED', { feature: 'api-access' })).toBe(
      'The plan for Projects does not include api access. Ask an owner or administrator of Acme to change it.',
    );
    expect(detail('FEATURE_NOT_INCLUDED', {})).toContain('does not include this feature.');
  });

  it.each([0, 1, 5])('reads well where the limit is %i', (limit) => {
    expect(detail('LIMIT_EXCEEDED', { feature: 'projects', limit })).toBe(
      `The plan for Projects limits projects to ${limit}. Ask an owner or administrator of Acme to extend it.`,
    );
  });

  it('tells who runs the organization what they do themselves, and begins a sentence as one', () => {
    const own = { ...about, administers: true };
    expect(describeRefusal('SEATS_EXHAUSTED', own).detail).toContain('Ask your supplier for more seats.');
    expect(describeRefusal('SEAT_REQUIRED', own).detail).toContain('Give yourself one at Core Auth.');
    expect(describeRefusal('NO_LICENSE', { module: 'Projects' }).detail).toBe(
      'Your organization has no license for Projects. Ask an owner or administrator of your organization to get one.',
    );
  });

  it('needs no number to say that there is no room', () => {
    expect(detail('LIMIT_EXCEEDED', { feature: 'projects' })).toContain(
      'leaves no room for more of projects.',
    );
  });
});
