import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { locationOf } from '../../probe-browser.js';
import { claimsOf, textOf } from '../../probe-flows.js';

const UNREGISTERED = 'projects:everything';

/** Nobody gets a scope that was not registered for the client, nor in without the one that a route needs. */
export const scopeValidation: Control = {
  id: 'security.oauth.scope-validation',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const wildcards = await context.security.clientsWithWildcardScope();
    if (wildcards.length > 0) {
      return failed(
        'no wildcard among the scopes of a client',
        `at ${wildcards.join(', ')}`,
        'register the scopes that the client needs, one by one',
      );
    }
    const flows = await context.flows(signal);
    const browser = await flows.signedIn();
    const asked = await flows.authorize(browser, { scope: `openid ${UNREGISTERED}` });
    const error = locationOf(asked)?.searchParams.get('error');
    const machine = await flows.asClient('/oauth2/token', {
      grant_type: 'client_credentials',
      scope: UNREGISTERED,
    });
    const granted = textOf(claimsOf(textOf(machine.body.access_token)).scope);
    if (
      error !== 'invalid_scope' ||
      (machine.body.error !== 'invalid_scope' && granted.includes(UNREGISTERED))
    ) {
      return failed(
        'invalid_scope for a scope that is not registered',
        `authorize: ${error ?? `HTTP ${asked.status}`}; token: ${textOf(machine.body.error) || `granted "${granted}"`}`,
        'roll back to a build that checks scopes against the client',
      );
    }
    const narrow = await flows.tokens(browser, { scope: 'profile offline_access' });
    const wide = await flows.tokens(browser);
    const without = await flows.userinfo(narrow.accessToken);
    const withIt = await flows.userinfo(wide.accessToken);
    const seen = `userinfo without openid: ${without.status}, with it: ${withIt.status}`;
    if (without.status !== 403 || withIt.status !== 200) {
      return failed(
        '403 without the scope of the route, 200 with it',
        seen,
        'roll back to a build whose guard checks scopes',
      );
    }
    return verified(
      `an unregistered scope is refused at authorize and token; ${seen}; no client has a wildcard`,
    );
  },
};
