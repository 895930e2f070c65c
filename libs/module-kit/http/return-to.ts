const BASE = 'http://module.invalid';

/**
 * A path of this module to go back to, or `/`. Only a local path passes, so that the module is no open
 * redirector (RFC 9700 section 4.11): no scheme, no host, no `//`, no backslash, no control character.
 */
export function localPath(value: unknown): string {
  if (typeof value !== 'string' || value.length > 1024) return '/';
  if (!value.startsWith('/') || hasControlCharacter(value)) return '/';
  if (!URL.canParse(value, BASE)) return '/';
  const url = new URL(value, BASE);
  if (url.origin !== BASE || url.pathname.startsWith('//')) return '/';
  // Coming back to the sign-in routes would start the round again.
  if (url.pathname === '/auth' || url.pathname.startsWith('/auth/')) return '/';
  return url.pathname + url.search;
}

function hasControlCharacter(value: string): boolean {
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
