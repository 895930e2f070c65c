import { describe, expect, it } from '@jest/globals';
import { sentenceOfDecision } from '#licensing';
import { describeRefusal, nextStep } from './license-refusals.js';

describe('license refusals', () => {
  const subject = { module: 'Reports', organization: 'Globex' };

  it('name the module and the organization', () => {
    expect(describeRefusal('NO_LICENSE', subject).reason).toBe('Globex has no license for Reports.');
  });

  it('have an honest sentence for a code that is not known', () => {
    for (const code of ['SOMETHING_NEW', 'constructor', '']) {
      expect(describeRefusal(code, subject).reason).toBe('Globex may not use Reports at the moment.');
    }
    expect(describeRefusal('OFFLINE_EXPIRED', subject).title).toBe('The license file is not valid');
  });

  const LICENSE = '5a1f2d6e-0000-4000-8000-000000000000';
  const stepOf = (code: string, administers: 'nothing' | 'seats' | 'licenses') =>
    nextStep(describeRefusal(code, subject), administers, LICENSE);

  it('send a member to others, and who assigns seats to the seats of the license', () => {
    expect(stepOf('SEAT_REQUIRED', 'nothing')).toEqual({
      sentence: 'Ask one of these people to assign you a seat.',
      asksOthers: true,
      link: undefined,
    });
    for (const administers of ['seats', 'licenses'] as const) {
      expect(stepOf('SEAT_REQUIRED', administers)).toEqual({
        sentence: 'You can assign a seat to yourself.',
        asksOthers: false,
        link: { href: `/console/licenses/${LICENSE}`, text: 'See the seats' },
      });
    }
  });

  it('send an owner to the supplier, and tell an operator that they are the supplier', () => {
    expect(stepOf('EXPIRED', 'seats')).toEqual({
      sentence: 'Ask the supplier to renew it.',
      asksOthers: false,
      link: { href: '/console/licenses', text: 'See the licenses' },
    });
    expect(stepOf('EXPIRED', 'licenses').sentence).toMatch(/^As an operator you can change that yourself/);
  });

  it('never tell who administers the organization to ask its administrators', () => {
    for (const code of [...Object.keys(sentenceOfDecision), 'SOMETHING_NEW']) {
      for (const administers of ['seats', 'licenses'] as const) {
        const { sentence, asksOthers } = stepOf(code, administers);
        expect([code, asksOthers, /one of these people|an owner/i.test(sentence)]).toEqual([
          code,
          false,
          false,
        ]);
      }
    }
  });

  it('tell everybody the same where nobody has to be asked', () => {
    for (const code of ['CHECK_UNAVAILABLE', 'LEASE_EXPIRED']) {
      expect(stepOf(code, 'nothing')).toEqual(stepOf(code, 'seats'));
      expect(stepOf(code, 'nothing').asksOthers).toBe(false);
    }
  });
});
