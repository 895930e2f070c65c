import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { PASSWORD_HINT_SCRIPT } from './password-hint.js';

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

/** Made by the package for pages that load no modules. */
const WEBAUTHN_BUNDLE = 'node_modules/@simplewebauthn/browser/dist/bundle/index.umd.min.js'.split('/');

export interface Assets {
  readonly styleSheet: Asset;
  readonly logo: Asset;
  /** The ceremonies of passkeys, for the pages' own script. */
  readonly webAuthn: Asset;
  readonly passkeys: Asset;
  readonly passwordHint: Asset;
  readonly showPassword: Asset;
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
  const root = packageRoot(start);
  const folder = join(root, 'apps', 'server', 'pages', 'assets');
  const styleSheet = hashedAsset(
    'core-auth',
    'css',
    'text/css; charset=utf-8',
    readFileSync(join(folder, 'core-auth.css')),
  );
  const logo = hashedAsset('logo', 'svg', 'image/svg+xml', readFileSync(join(folder, 'logo.svg')));
  const script = (name: string, content: Buffer) =>
    hashedAsset(name, 'js', 'text/javascript; charset=utf-8', content);
  const webAuthn = script('webauthn', readFileSync(join(root, ...WEBAUTHN_BUNDLE)));
  const passkeys = script('passkeys', readFileSync(join(folder, 'passkeys.js')));
  const passwordHint = script('password-hint', Buffer.from(PASSWORD_HINT_SCRIPT));
  const showPassword = script('show-password', readFileSync(join(folder, 'show-password.js')));
  const all = [styleSheet, logo, webAuthn, passkeys, passwordHint, showPassword];
  const byPath = new Map(all.map((asset) => [asset.path, asset]));
  return { styleSheet, logo, webAuthn, passkeys, passwordHint, showPassword, byPath };
}

/** Read once, when the process starts: a missing file stops the boot instead of a page. */
export const assets: Assets = readAssets(dirname(fileURLToPath(import.meta.url)));
