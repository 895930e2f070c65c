import { createContext, type VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';

/** Whether a browser may read the readiness report: in production it takes an access token, which no link carries. */
export const ReadinessIsOpen = createContext(true);

/** A whole HTML document; every text and attribute in it has been escaped by the renderer. */
export function renderPage(view: VNode, readinessIsOpen = true): string {
  const page = <ReadinessIsOpen.Provider value={readinessIsOpen}>{view}</ReadinessIsOpen.Provider>;
  return `<!DOCTYPE html>${renderToString(page)}`;
}
