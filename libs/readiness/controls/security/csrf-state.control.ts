import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import type { ControlContext } from '../../control-context.js';
import { locationOf, type ProbeBrowser } from '../../probe-browser.js';
import type { ProbeFlows } from '../../probe-flows.js';
import { crossIntoModule, moduleAddress } from '../module-journey.js';

/** Nobody is signed in by somebody else's link, form or answer. */
export const csrfState: Control = {
  id: 'security.auth.csrf-state',
  kind: 'probe',
  timeout: seconds(20),
  interval: minutes(15),
  async verify(context, signal) {
    const flows = await context.flows(signal);
    const browser = await flows.signedIn();
    const bare = await flows.authorize(browser, {
      client_id: flows.identity.publicClientId,
      code_challenge: undefined,
      code_challenge_method: undefined,
    });
    if (locationOf(bare)?.searchParams.has('code')) {
      return failed(
        'a public client without a code challenge refused',
        'it got a code',
        'roll back to a build that requires PKCE',
      );
    }
    const { email, password } = flows.identity;
    const form = await flows
      .browser()
      .request(`${flows.issuer}/sign-in`, { form: { email, password, return_to: '/' } });
    if (form.status !== 403) {
      return failed(
        '403 for a form without its token',
        `HTTP ${form.status}`,
        'roll back to a build that checks csrf_token on every form',
      );
    }
    return modulesOf(context, flows, browser);
  },
};

async function modulesOf(context: ControlContext, flows: ProbeFlows, browser: ProbeBrowser) {
  const own = 'a public client without PKCE is refused; a form without its token is 403';
  const modules = await context.security.modules();
  if (modules.length === 0) return unknown(own, 'a module whose callback could be tried: none is registered');
  for (const { key, baseUrl } of modules) {
    const first = await crossIntoModule(browser, baseUrl, false);
    if (!first.callback) return unknown(own, `the callback of the module ${key}: ${first.seen}`);
    const accepted = await tryCallback(flows, browser, baseUrl, first.callback);
    if (accepted) {
      return failed(
        `the module ${key} refuses a callback without its state, with another's, or twice`,
        accepted,
        'deploy the module with a current @core-auth/module-kit, whose sign-in checks the state',
      );
    }
  }
  return verified(
    `${own}; callbacks without their state, with another's and twice are refused by ${modules.map(({ key }) => key).join(', ')}`,
  );
}

/** @returns what was let in that should not have been, or undefined */
async function tryCallback(
  flows: ProbeFlows,
  browser: ProbeBrowser,
  baseUrl: string,
  callback: URL,
): Promise<string | undefined> {
  const stateless = new URL(callback);
  stateless.searchParams.delete('state');
  // each in a browser of its own that began a sign-in of its own, so that only the state is wrong
  const others: [string, URL][] = [
    ['without its state', stateless],
    ["with another browser's state", callback],
  ];
  for (const [what, url] of others) {
    const other = flows.browser();
    await other.request(moduleAddress(baseUrl, 'sign-in'));
    const answer = await other.request(url);
    if (answer.status < 400) return `${what}: HTTP ${answer.status}`;
  }
  const right = await browser.request(callback);
  if (right.status >= 400) return `even the right one was refused: HTTP ${right.status}`;
  const again = await browser.request(callback);
  return again.status < 400 ? `a second time: HTTP ${again.status}` : undefined;
}
