import { createHash } from 'node:crypto';

/** Where a form's answer may lead: an origin for http(s), the bare scheme for a native application. */
function formSource(redirectUri: string): string {
  const url = new URL(redirectUri);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.origin : url.protocol;
}

/**
 * The policy of every page. CSP 3 §6.4.1 (form-action): browsers apply it to the redirects that follow a
 * form as well, so a page whose form may end at a client names that client's registered redirect URI.
 */
export function contentSecurityPolicy(redirectUris: readonly string[] = []): string {
  return policy([formAction(redirectUris)]);
}

/** The policy of a page with scripts of this server, files and none of them inline: they run, and ask this server. */
export function scriptedPolicy(redirectUris: readonly string[] = []): string {
  return policy([formAction(redirectUris), "script-src 'self'", "connect-src 'self'"]);
}

function formAction(redirectUris: readonly string[]): string {
  return `form-action ${[...new Set(["'self'", ...redirectUris.map(formSource)])].join(' ')}`;
}

/**
 * The policy of the one page whose form sends itself (form_post): its form leads to a registered redirect URI, and on
 * from there to wherever the client redirects, which only the client knows.
 */
export function selfSubmittingPolicy(script: string): string {
  const digest = createHash('sha256').update(script).digest('base64');
  return policy([`script-src 'sha256-${digest}'`]);
}

function policy(directives: readonly string[]): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    ...directives,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}
