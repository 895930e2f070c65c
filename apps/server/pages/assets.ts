import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** A static file as it is served: its hash is part of its path, so that the answer may be cached as immutable. */
export interface Asset {
  /** Public path, e.g. `/assets/core-auth.5f1c….css`. */
  readonly path: string;
  readonly body: Buffer;
  /** The body by gzip, made once. */
  readonly compressed: Buffer;
  readonly contentType: string;
  /** Strong validator, quotes included (RFC 9110 §8.8.3). */
  readonly etag: string;
}

export interface Assets {
  readonly styleSheet: Asset;
  readonly logo: Asset;
  /** Public path → file. */
  readonly byPath: ReadonlyMap<string, Asset>;
}

/**
 * The compiler copies neither .css nor .svg into dist, so both the sources and dist read the one copy in
 * the repository: below the nearest folder that has a package.json.
 */
function packageRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder))
      throw new Error(`No package.json above ${from}: cannot find the page assets`);
  }
}

function hashedAsset(name: string, extension: string, contentType: string, body: Buffer): Asset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return {
    path: `/assets/${name}.${hash}.${extension}`,
    body,
    compressed: gzipSync(body),
    contentType,
    etag: `"${hash}"`,
  };
}

export function readAssets(start: string): Assets {
  const folder = join(packageRoot(start), 'apps', 'server', 'pages', 'assets');
  const styleSheet = hashedAsset(
    'core-auth',
    'css',
    'text/css; charset=utf-8',
    readFileSync(join(folder, 'core-auth.css')),
  );
  const logo = hashedAsset('logo', 'svg', 'image/svg+xml', readFileSync(join(folder, 'logo.svg')));
  return { styleSheet, logo, byPath: new Map([styleSheet, logo].map((asset) => [asset.path, asset])) };
}

/** Read once, when the process starts: a missing file stops the boot instead of a page. */
export const assets: Assets = readAssets(dirname(fileURLToPath(import.meta.url)));
