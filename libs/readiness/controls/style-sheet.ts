import type { ControlContext } from '../control-context.js';

/** The style sheet that the sign-in page links: a static asset that every installation has. */
export async function styleSheetOf(
  { configuration, http }: Pick<ControlContext, 'configuration' | 'http'>,
  signal: AbortSignal,
): Promise<URL | undefined> {
  const page = await http.request(`${configuration.issuer}/sign-in`, { signal });
  const path = /<link\b[^>]*\bhref="([^"]+\.css)"/.exec(page.body)?.[1];
  return path === undefined ? undefined : new URL(path, page.url);
}
