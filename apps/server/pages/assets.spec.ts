import { createHash } from 'node:crypto';
import { parse } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { assets, readAssets } from './assets.js';

describe('assets', () => {
  it('have the hash of their content in their path, so that they may be cached as immutable', () => {
    for (const asset of [assets.styleSheet, assets.logo]) {
      const hash = createHash('sha256').update(asset.body).digest('hex').slice(0, 16);
      expect(asset.path).toContain(`.${hash}.`);
      expect(asset.etag).toBe(`"${hash}"`);
      expect(assets.byPath.get(asset.path)).toBe(asset);
    }
    expect(assets.styleSheet.contentType).toBe('text/css; charset=utf-8');
    expect(assets.logo.contentType).toBe('image/svg+xml');
  });

  it('load nothing from elsewhere', () => {
    expect(assets.styleSheet.body.toString()).not.toMatch(/url\(|@import|@font-face/);
    expect(assets.logo.body.toString()).not.toMatch(/<style|<script|href=/);
  });

  it('are found from dist as well as from the sources', () => {
    expect(readAssets(`${process.cwd()}/dist/apps/server/pages`).styleSheet.path).toBe(
      assets.styleSheet.path,
    );
    expect(() => readAssets(parse(process.cwd()).root)).toThrow();
  });
});
