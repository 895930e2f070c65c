import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { locationOf } from '../../probe-browser.js';
import { isLoopback } from '../config/database-address.js';

/** Twelve addresses that look like a registered one and are none. */
export function lookAlikes(registered: string): readonly string[] {
  const url = new URL(registered);
  const { host, pathname } = url;
  return [
    `${registered}/`,
    `${registered}/more`,
    `${registered}?more=1`,
    `${registered}#more`,
    `${registered}%2f..`,
    registered.replace(pathname, `${pathname}/../${pathname.slice(1)}`),
    registered.replace(pathname, pathname.toUpperCase()),
    registered.replace('https:', 'http:'),
    registered.replace(host, `${host}.attacker.invalid`),
    registered.replace(host, `attacker.invalid\\@${host}`),
    registered.replace(host, `${host}@attacker.invalid`),
    registered.replace(host, `${host}:8443`),
  ];
}

/** Only a registered address gets an answer, and only safe ones are registered. */
export const redirectUri: Control = {
  id: 'security.oauth.redirect-uri',
  kind: 'probe',
  timeout: seconds(15),
  interval: minutes(15),
  async verify(context, signal) {
    const unsafe = (await context.security.redirectUris()).filter(({ uri }) => !isSafe(uri));
    if (unsafe.length > 0) {
      return failed(
        'no registered redirect URI with http off loopback, a wildcard or a fragment',
        unsafe.map(({ clientId, uri }) => `${uri} of ${clientId}`).join(', '),
        'register the exact https address instead',
      );
    }
    const flows = await context.flows(signal);
    const browser = await flows.signedIn();
    const genuine = await flows.authorize(browser);
    const registered = locationOf(genuine);
    if (!registered?.searchParams.has('code'))
      throw new Error(`the registered address itself got HTTP ${genuine.status}`);
    registered.search = '';
    const presented = lookAlikes(registered.href);
    const answers = await Promise.all(
      presented.map((uri) => flows.authorize(browser, { redirect_uri: uri })),
    );
    const letIn = presented.filter((_, index) => {
      const answer = answers[index];
      return !answer || answer.status < 400 || locationOf(answer) !== undefined;
    });
    if (letIn.length > 0) {
      return failed(
        'an error page and no redirect',
        `answered by redirect: ${letIn.join(', ')}`,
        'roll back to a build that compares redirect URIs exactly',
      );
    }
    return verified(
      `${presented.length} look-alikes refused without a redirect; every registered address is safe`,
    );
  },
};

function isSafe(uri: string): boolean {
  if (uri.includes('*') || uri.includes('#') || !URL.canParse(uri)) return false;
  const { protocol, hostname } = new URL(uri);
  return protocol !== 'http:' || isLoopback(hostname);
}
