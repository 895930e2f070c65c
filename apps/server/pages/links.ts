const SELF = 'http://self.invalid';

/**
 * A link that is safe to put into href: http(s), or a path on this origin. Anything else (javascript:, data:,
 * `//elsewhere`) is undefined, and the view shows its text without a link.
 */
export function safeHref(value: string): string | undefined {
  const isPath = value.startsWith('/');
  const base = isPath ? SELF : undefined;
  if (!URL.canParse(value, base)) return undefined;
  const url = new URL(value, base);
  if (isPath) {
    // dots are resolved by now: "/.//host" has become "//host", which names another server
    if (url.origin !== SELF || url.pathname.startsWith('//')) return undefined;
    return `${url.pathname}${url.search}${url.hash}`;
  }
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
}

// A lone surrogate would make encodeURIComponent throw; UTF-8 replaces it.
function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'));
}

/** `mailto:` with every reserved character encoded (RFC 6068 §2), so that an address cannot add headers. */
export function mailHref(email: string, subject: string): string {
  return `mailto:${encoded(email).replace('%40', '@')}?subject=${encoded(subject)}`;
}

export function queryHref(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
