import { describe, expect, it } from '@jest/globals';
import { contentSecurityPolicy, scriptedPolicy } from './content-security-policy.js';

describe('content security policy', () => {
  it('allows own styles and images only, and no framing', () => {
    expect(contentSecurityPolicy()).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
  });

  it('lets a page run our script files where it has some, and nothing inline', () => {
    expect(scriptedPolicy()).toContain("; script-src 'self'; ");
    expect(scriptedPolicy()).not.toContain('unsafe');
  });

  it('lets a form end at the origin of a redirect URI, and at the scheme of a native application', () => {
    const policy = contentSecurityPolicy([
      'https://app.example/auth/callback?x=1',
      'com.example.app:/callback',
    ]);
    expect(policy).toContain("form-action 'self' https://app.example com.example.app:;");
  });
});
