import { createHash } from 'node:crypto';
import type { ErrorView, KitPages, PageAction, SignedOutView } from './pages.js';

const STYLE = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f6f7f9;color:#1c2030;font:16px/1.5 system-ui,sans-serif}
main{max-width:26rem;margin:1rem;padding:2rem;background:#fff;border:1px solid #dfe3ea;border-radius:12px}
h1{margin:0 0 .5rem;font-size:1.3rem}p{margin:0 0 1rem}small{color:#5b6376}
a{color:#3454d1}a:focus-visible{outline:2px solid;outline-offset:2px}ul{list-style:none;margin:0;padding:0;display:grid;gap:.5rem}
@media (prefers-color-scheme:dark){body{background:#12141a;color:#e8eaf0}main{background:#1b1e27;border-color:#303544}small{color:#a2a9bb}a{color:#9db1ff}}`;

/** The policy that these pages are sent with: one known style sheet and nothing else. */
export const DEFAULT_PAGES_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Shown where a module brings no page of its own. */
export const DEFAULT_PAGES: KitPages = {
  error: (view: ErrorView) =>
    page(view.title, view.moduleName, `<p>${escapeHtml(view.detail)}</p>${links(view.actions)}`),
  signedOut: (view: SignedOutView) =>
    page(
      'You are signed out',
      view.moduleName,
      `<p>Your sessions in the other modules have ended too.</p>${links([{ label: 'Sign in again', href: view.signInUrl }])}`,
    ),
};

function page(title: string, moduleName: string, body: string): string {
  const heading = escapeHtml(title);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${heading} – ${escapeHtml(moduleName)}</title><style>${STYLE}</style></head><body><main><small>${escapeHtml(moduleName)}</small><h1>${heading}</h1>${body}</main></body></html>`;
}

function links(actions: readonly PageAction[]): string {
  const items = actions.map(
    ({ label, href }) => `<li><a href="${escapeHtml(href)}">${escapeHtml(label)}</a></li>`,
  );
  return `<ul>${items.join('')}</ul>`;
}

/** For text and for double-quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
