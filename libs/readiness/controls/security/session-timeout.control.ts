import { sha256 } from '#platform';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { locationOf, type ProbeBrowser } from '../../probe-browser.js';
import type { ProbeFlows } from '../../probe-flows.js';

/** NIST SP 800-63B-4 §2.2.3 (AAL2): an hour without use, a day in any case. */
const LONGEST_IDLE = 3_600;
const LONGEST = 86_400;
const MARGIN = 1;

/** A session ends without use, and in any case. */
export const sessionTimeout: Control = {
  id: 'security.auth.session-timeout',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const { configuration, probeRows } = context;
    const { sessionIdleSeconds: idle, sessionAbsoluteSeconds: absolute } = configuration;
    const mend =
      'set CORE_AUTH_SESSION_IDLE ≤ 3600 and CORE_AUTH_SESSION_ABSOLUTE ≤ 86400 (seconds) and restart';
    const limits = `idle ${idle} s, absolute ${absolute} s`;
    if (!(idle > 0 && idle <= LONGEST_IDLE) || !(absolute > 0 && absolute <= LONGEST)) {
      return failed(`idle 1…${LONGEST_IDLE} s and absolute 1…${LONGEST} s`, limits, mend);
    }
    const flows = await context.flows(signal);
    for (const [what, moved] of [
      ['idle', { lastUse: idle + MARGIN, end: 0 }],
      ['absolute', { lastUse: 0, end: absolute + MARGIN }],
    ] as const) {
      const browser = await flows.signedIn();
      if (!(await isSignedIn(flows, browser))) throw new Error('the probe had no live session to begin with');
      await probeRows.ageSession(secretOf(flows, browser), flows.identity.userId, moved);
      if (await isSignedIn(flows, browser)) {
        return failed(`no session past its ${what} limit (${limits})`, 'it was still alive', mend);
      }
    }
    return verified(`${limits}; a probe's session was dead past either`);
  },
};

/** Whoever is signed in gets the launcher; anyone else is sent to sign in. */
async function isSignedIn(flows: ProbeFlows, browser: ProbeBrowser): Promise<boolean> {
  const answer = await browser.request(`${flows.issuer}/`);
  return answer.status === 200 || (locationOf(answer)?.pathname ?? '/sign-in') !== '/sign-in';
}

/** The database holds the digest of a session's secret; it is how the probe finds its own row. */
function secretOf(flows: ProbeFlows, browser: ProbeBrowser): Buffer {
  return sha256(browser.cookie(new URL(flows.issuer).hostname, /core_auth_session$/) ?? '');
}
