import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deviceName } from './device-name.js';

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';

describe('the name of a device', () => {
  it.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Firefox on Windows',
    ],
    [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} Chrome/138.0.0.0 Safari/537.36`, 'Chrome on Linux'],
    [
      `Mozilla/5.0 (Windows NT 10.0) ${WEBKIT} Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0`,
      'Edge on Windows',
    ],
    [
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/18.5 Safari/605.1`,
      'Safari on macOS',
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) ${WEBKIT} CriOS/138 Safari/604.1`,
      'Chrome on iPhone',
    ],
    [
      `Mozilla/5.0 (Linux; Android 15) ${WEBKIT} SamsungBrowser/28.0 Chrome/130.0 Safari/537.36`,
      'Samsung Internet on Android',
    ],
    [
      `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/138.0.0.0 Safari/537.36`,
      'Chrome on ChromeOS',
    ],
    [
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Chrome/138.0 Safari/537.36 OPR/120.0`,
      'Opera on macOS',
    ],
    ['Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X)', 'Unknown browser on iPad'],
    ['Firefox/140.0', 'Firefox'],
    ['curl/8.14.1', 'Unknown device'],
    ['', 'Unknown device'],
  ])('of %j is %s', (userAgent, name) => expect(deviceName(userAgent)).toBe(name));

  it('shows nothing of what a browser says, whatever that is', () => {
    const words = ['Firefox/', 'Chrome/', 'Safari/', 'Windows', 'Linux', ' '];
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.oneof(fc.constantFrom(...words), fc.string())).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(anything, (userAgent) => {
        expect(deviceName(userAgent)).toMatch(
          /^(Unknown device|((Firefox|Chrome|Safari|Edge|Opera|Samsung Internet|Unknown browser)( on )?)?(iPhone|iPad|Android|Windows|ChromeOS|macOS|Linux)?)$/,
        );
      }),
    );
  });
});
