import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';

/** A whole HTML document; every text and attribute in it has been escaped by the renderer. */
export function renderPage(view: VNode): string {
  return `<!DOCTYPE html>${renderToString(view)}`;
}
