import { locationOf, type ProbeBrowser } from '../probe-browser.js';

export interface Crossing {
  /** Every Set-Cookie of the module on the way. */
  readonly setCookie: readonly string[];
  /** The module's callback as the authorization server answered it; undefined when it never came so far. */
  readonly callback: URL | undefined;
  /** The client that the module named itself as. */
  readonly clientId: string | undefined;
  /** Whether the module let the person in. */
  readonly signedIn: boolean;
  /** How far it came, in words. */
  readonly seen: string;
}

/** Where a module's browser sign-in begins and ends. */
export const moduleAddress = (baseUrl: string, path: string): string =>
  `${baseUrl.replace(/\/$/, '')}/auth/${path}`;

/**
 * Follows a module's sign-in with the browser of somebody who is signed in, up to the module's callback.
 * @param complete whether to go into the callback as well
 */
export async function crossIntoModule(
  browser: ProbeBrowser,
  baseUrl: string,
  complete = true,
): Promise<Crossing> {
  const callbackAddress = moduleAddress(baseUrl, 'callback');
  const start = await browser.request(moduleAddress(baseUrl, 'sign-in'));
  const clientId = locationOf(start)?.searchParams.get('client_id') ?? undefined;
  const isCallback = (location: URL) => `${location.origin}${location.pathname}` === callbackAddress;
  const before = await browser.follow(start, isCallback);
  const callback = locationOf(before);
  if (!callback || !isCallback(callback)) {
    const seen = `its sign-in ended at ${before.url.origin}${before.url.pathname} with HTTP ${before.status}`;
    return { setCookie: start.setCookie, callback: undefined, clientId, signedIn: false, seen };
  }
  if (!complete)
    return { setCookie: start.setCookie, callback, clientId, signedIn: false, seen: 'at the callback' };
  const answer = await browser.request(callback);
  const signedIn = locationOf(answer) !== undefined;
  return {
    setCookie: [...start.setCookie, ...answer.setCookie],
    callback,
    clientId,
    signedIn,
    seen: `its callback answered HTTP ${answer.status}`,
  };
}
