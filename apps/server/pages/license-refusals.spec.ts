import { describe, expect, it } from '@jest/globals';
import { describeRefusal } from './license-refusals.js';

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
});
