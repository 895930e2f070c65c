import { describe, expect, it } from '@jest/globals';
import { leaseName, parseLeaseName } from './lease-request.js';

const LICENSE = '0190a000-0000-7000-8000-0000000000c1';

describe('the name of a lease', () => {
  it('is read as it was written, whatever the case of its letters', () => {
    const name = { licenseId: LICENSE, fence: 12 };
    expect(parseLeaseName(leaseName(name))).toEqual(name);
    expect(parseLeaseName(leaseName(name).toUpperCase())).toEqual(name);
  });

  it.each([
    '',
    LICENSE,
    `${LICENSE}.`,
    `${LICENSE}.0`,
    `${LICENSE}.01`,
    `${LICENSE}.-1`,
    `${LICENSE}.1e3`,
    `${LICENSE}.1.1`,
    `${LICENSE}.9007199254740992`,
    'x.1',
  ])('is none: %s', (text) => expect(parseLeaseName(text)).toBeUndefined());
});
