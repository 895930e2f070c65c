import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mailText } from './mail-text.js';

const to = 'ada@acme.example';

describe('a mail as text and as HTML', () => {
  it('says the same in both, link included', () => {
    const { subject, text, html } = mailText({
      to,
      subject: 'Choose a new password',
      paragraphs: ['Somebody asked for it.', { label: 'Choose it', url: 'https://auth.example/x?a=1&b=2' }],
    });
    expect(subject).toBe('Choose a new password');
    expect(text).toBe('Somebody asked for it.\n\nChoose it:\nhttps://auth.example/x?a=1&b=2\n');
    expect(html).toContain('<p>Somebody asked for it.</p>');
    expect(html).toContain('<a href="https://auth.example/x?a=1&amp;b=2"><strong>Choose it</strong></a>');
  });

  it('loads nothing: no picture, style sheet, script or font from anywhere', () => {
    const { html } = mailText({
      to,
      subject: 's',
      paragraphs: ['p', { label: 'l', url: 'https://a.example/' }],
    });
    expect(html).not.toMatch(/<(img|link|script|iframe|object)|url\(|@import|src=/i);
    expect(html).toContain('prefers-color-scheme:dark');
  });

  it('whatever a text holds, it makes no markup, no header and no paragraph of its own', () => {
    const { html: plain } = mailText({ to, subject: '', paragraphs: ['', { label: '', url: 'u' }] });
    const tags = (html: string) => html.match(/<[^>]*>/g)?.map((tag) => tag.replace(/href="[^"]*"/, ''));
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\r\n', '\n', '<b>', '"', '</p>', '\u2028'),
        (a, b) => {
          const hostile = a + b + a;
          const { subject, text, html } = mailText({
            to,
            subject: hostile,
            paragraphs: [hostile, { label: hostile, url: 'u' }],
          });
          expect(subject).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
          expect(text.split('\n').length).toBe(5);
          expect(tags(html)).toEqual(tags(plain));
        },
      ),
    );
  });
});
