import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hiddenFields } from '../support/http-browser.js';
import { World } from '../support/world.js';

describe('where a page leads next (RFC 9700 §4.11)', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  const carried = async (returnTo: string) => {
    const page = await world.browser().get(`/sign-in?${new URLSearchParams({ return_to: returnTo })}`);
    return hiddenFields(await page.text())['return_to'];
  };

  it.each([
    '//evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'https://evil.example/',
    'https://projects.example.evil.example/',
    'https://projects.example@evil.example/',
    'https://user@projects.example/',
    'javascript:alert(1)',
    'x'.repeat(9000),
  ])('another place is the launcher instead: %j', async (returnTo) => {
    expect(await carried(returnTo)).toBe('/');
  });

  it.each(['/choose-organization?return_to=%2F', 'https://projects.example/auth/sign-in?return_to=%2Fa'])(
    'a path here and an address of a module are kept: %s',
    async (returnTo) => {
      expect(await carried(returnTo)).toBe(returnTo);
    },
  );

  it('an address that no redirect could hold is not carried through the sign-in; a shorter one is', async () => {
    const to = async (path: string) => (await world.browser().get(path)).headers.get('location');
    expect(await to('/device?user_code=a%20b')).toBe(
      `/sign-in?return_to=${encodeURIComponent('/device?user_code=a%20b')}`,
    );
    // every character of it takes three in the redirect
    expect(await to(`/device?user_code=${'%20'.repeat(4000)}`)).toBe('/sign-in?return_to=%2F');
  });

  it('an address that cannot be decoded is refused in our own words, with our headers', async () => {
    const response = await fetch(`${world.url}/assets/%`);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: 'invalid_request',
      error_description: 'The address is malformed.',
    });
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });
});
