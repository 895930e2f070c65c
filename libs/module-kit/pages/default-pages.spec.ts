import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { DEFAULT_PAGES, DEFAULT_PAGES_CSP } from './default-pages.js';

describe('a page of the kit', () => {
  const html = DEFAULT_PAGES.error({
    moduleName: '<b>Projects</b>',
    status: 403,
    code: 'NO_LICENSE',
    title: '<script>alert(1)</script>',
    detail: 'a & "b"',
    actions: [{ label: '<i>', href: '/"onclick="x' }],
  });

  it('escapes every text and attribute', () => {
    expect(html).not.toMatch(/<script|<b>|<i>|"onclick/);
    expect(html).toContain('a &amp; &quot;b&quot;');
  });

  it('is sent with a policy that its one style sheet fits', () => {
    const style = /<style>(.*)<\/style>/s.exec(html)?.[1] ?? '';
    expect(DEFAULT_PAGES_CSP).toContain(createHash('sha256').update(style).digest('base64'));
  });
});
