import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { VNode } from 'preact';
import { renderPage } from '../../apps/server/pages/render.js';

/** Views with their names. */
export type Views = readonly (readonly [name: string, view: VNode])[];

const TAG = /<(\/?[a-z][a-z0-9]*)((?:\s+[^\s=<>"]+(?:="[^"]*")?)*)\s*\/?>/gi;

/** The tags and attribute names of a document, without any text or attribute value. */
function structure(html: string): string[] {
  return [...html.matchAll(TAG)].map(
    ([, tag = '', attributes = '']) => tag + attributes.replace(/="[^"]*"/g, '='),
  );
}

function decoded(html: string): string {
  return html.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

function attributeValues(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value = '']) => decoded(value));
}

function elements(html: string, tag: string): string[] {
  return html.match(new RegExp(`<${tag}[\\s>][\\s\\S]*?</${tag}>`, 'g')) ?? [];
}

const harmless: Readonly<Record<string, string>> = { '<': '‹', '>': '›', '"': '”', "'": '’', '&': '＆' };

const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "'",
        '</title>',
        '<!--',
        '&lt;',
      ),
      fc.constantFrom(
        ' style="color:red"',
        '" autofocus onfocus="alert(1)',
        '<style>',
        '--!>',
        '<',
        '"',
        '&',
      ),
      fc.string({ unit: 'grapheme' }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => `x${parts.join('')}`);

const hostileUrl = fc.oneof(
  fc.constantFrom(
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    'https://ok.example/"><script>alert(1)</script>',
  ),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.string(),
);

/**
 * What holds for every page, whatever is shown in it.
 * @param viewsOf views in every shape, with `text` wherever a text can come from outside and `url` wherever an address
 * can
 */
export function pagesAreSafeAndSound(viewsOf: (text: string, url: string) => Views): void {
  const plain = viewsOf('Plain', 'https://app.example/').map(
    ([name, view]) => [name, renderPage(view)] as const,
  );

  describe('hostile input', () => {
    it('adds no tag and no attribute to any page, and is shown as it is', () => {
      fc.assert(
        fc.property(hostileText, (text) => {
          const tame = viewsOf(
            text.replace(/[<>"'&]/g, (character) => harmless[character] ?? ''),
            'https://app.example/',
          );
          for (const [index, [name, view]] of viewsOf(text, 'https://app.example/').entries()) {
            const html = renderPage(view);
            expect([name, structure(html)]).toEqual([name, structure(renderPage(tame[index]?.[1] ?? view))]);
            // All that begins like a tag is one of the tags counted above; the other one is the doctype.
            expect([name, html.split('<').length - 2]).toEqual([name, structure(html).length]);
            if (name === 'error') expect(decoded(html)).toContain(text);
          }
        }),
        { numRuns: 60 },
      );
    });

    it('puts only http, https, mail and own addresses into links', () => {
      fc.assert(
        fc.property(hostileUrl, (url) => {
          for (const [name, view] of viewsOf('Plain', url)) {
            const html = renderPage(view);
            for (const href of [...attributeValues(html, 'href'), ...attributeValues(html, 'src')]) {
              expect([name, href]).toEqual([
                name,
                expect.stringMatching(/^(https?:\/\/|mailto:|#|\/(?![/\\]))/),
              ]);
            }
          }
        }),
        { numRuns: 200 },
      );
    });
  });

  describe.each(plain)('%s', (_name, html) => {
    it('has no script but files of this server, no inline style and no event handler', () => {
      const own = /<script src="\/assets\/[a-z-]+\.[0-9a-f]{16}\.js" defer><\/script>/g;
      expect(html.replace(own, '')).not.toMatch(/<script|<style|javascript:/i);
      expect(structure(html).join('\n')).not.toMatch(/\s(style|on[a-z]+)(=|$|\s)/im);
    });

    it('carries the anti-forgery token in every form, the way back where there is one, and posts to this server', () => {
      for (const form of elements(html, 'form')) {
        expect(form).toMatch(/^<form[^>]* method="post" action="\/[a-z0-9/-]+"/);
        expect(form).toContain('<input type="hidden" name="csrf_token" value="Plain"/>');
        const leadsNowhereElse =
          /action="\/(sign-out|device|invitation|account\/(data|sessions)\/.*|account\/security\/(?!totp"|passkeys").*)"/.test(
            form,
          );
        expect(/<input type="hidden" name="return_to" value="[^"]+"\/>/.test(form)).toBe(!leadsNowhereElse);
      }
      expect(elements(html, 'form')).toHaveLength((html.match(/<form/g) ?? []).length);
    });

    it('labels every input', () => {
      const inputs = (html.match(/<input[^>]*>/g) ?? []).filter(
        (input) => !/ (?:hidden|type="hidden") /.test(input),
      );
      const labels = attributeValues(elements(html, 'label').join(''), 'for');
      expect(labels).toEqual(inputs.flatMap((input) => attributeValues(input, 'id')));
      expect(labels).toHaveLength(inputs.length);
    });

    it('has a language, a title, one heading of the first rank and a way past the header', () => {
      expect(html).toMatch(
        /^<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"\/><title>[^<]+ – Core Auth<\/title>/,
      );
      expect(html.match(/<h1/g)).toHaveLength(1);
      expect(html).toContain('href="#content"');
      expect(html).toContain('<main id="content"');
    });

    it('points aria references at elements of the page', () => {
      const ids = attributeValues(html, 'id');
      const references = ['aria-describedby', 'aria-labelledby'].flatMap((name) =>
        attributeValues(html, name).flatMap((value) => value.split(' ')),
      );
      expect(ids).toEqual(expect.arrayContaining(references));
    });
  });
}
