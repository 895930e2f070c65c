import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import { hiddenFields } from '../../probe-browser.js';
import type { ProbeFlows } from '../../probe-flows.js';
import { probeAddresses } from '../../probe-address.js';

/** NIST SP 800-63B-4 §3.2.2: no more than 100 failures in a row. */
const MOST_FAILURES = 100;
const TRIES_PER_ADDRESS = 8;

/** After the configured failures even the right password waits, and an unknown account is told the same. */
export const accountLockout: Control = {
  id: 'security.auth.account-lockout',
  kind: 'probe',
  timeout: seconds(30),
  interval: minutes(30),
  async verify(context, signal) {
    const { configuration, lockout } = context;
    const threshold = configuration.signInFailures;
    if (!(threshold > 0 && threshold <= MOST_FAILURES)) {
      return failed(
        `a delay after ${MOST_FAILURES} failures at most`,
        `after ${threshold}`,
        'set CORE_AUTH_SIGN_IN_FAILURES to 3…100 and restart',
      );
    }
    const flows = await context.flows(signal);
    const addresses = probeAddresses(flows.issuer, 2 * Math.ceil((threshold + 1) / TRIES_PER_ADDRESS));
    if (!addresses)
      return unknown(
        `a delay after ${threshold} failures is configured`,
        'two addresses to try from: the server is not on loopback',
      );
    const { lockedEmail } = flows.identity;
    const nobody = `nobody-${lockedEmail}`;
    try {
      const known = await failUntilLocked(flows, lockedEmail, threshold, addresses);
      const unknownAccount = await failUntilLocked(flows, nobody, threshold, addresses.toReversed());
      const seen = `after ${threshold} failures from ${addresses.length} addresses the right password got HTTP ${known.status}`;
      if (known.signedIn) {
        return failed(
          'the right password delayed',
          seen,
          'roll back to a build that counts failures by account',
        );
      }
      if (known.status !== unknownAccount.status || known.text !== unknownAccount.text) {
        return failed(
          'the same answer for an account that does not exist',
          'another one',
          'let both answers be one',
        );
      }
      return verified(`${seen}; an account that does not exist is answered the same`);
    } finally {
      for (const email of [lockedEmail, nobody]) await lockout.forget(email, addresses);
    }
  },
};

interface LastAnswer {
  readonly status: number;
  readonly signedIn: boolean;
  /** The page's text, without what differs from one showing to the next. */
  readonly text: string;
}

async function failUntilLocked(
  flows: ProbeFlows,
  email: string,
  threshold: number,
  addresses: readonly string[],
): Promise<LastAnswer> {
  const at = (index: number) => flows.browser({ from: addresses[index % addresses.length] ?? '' });
  for (let index = 0; index < threshold; index += 1) {
    await flows.submitSignIn(at(index), { email, password: `wrong ${index}` });
  }
  const answer = await flows.submitSignIn(at(threshold), { email, password: flows.identity.password });
  const varying = Object.values(hiddenFields(answer.body)).filter((value) => value.length > 8);
  return {
    status: answer.status,
    signedIn: answer.status < 400 && answer.setCookie.some((cookie) => /session=[^;]/.test(cookie)),
    text: [...varying, email].reduce((text, value) => text.replaceAll(value, '…'), answer.body),
  };
}
