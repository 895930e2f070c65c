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
  const formAction = [...new Set(["'self'", ...redirectUris.map(formSource)])].join(' ');
  return [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}
