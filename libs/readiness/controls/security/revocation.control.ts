import { setTimeout as sleep } from 'node:timers/promises';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';

const BOUND = seconds(1);
const STEP = 50;

/** A revoked token is dead at introspection at once, and at a guard that verifies by itself within a second. */
export const revocation: Control = {
  id: 'security.oauth.revocation',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const flows = await context.flows(signal);
    const { accessToken, refreshToken } = await flows.tokens(await flows.signedIn());
    const authorization = { authorization: `Bearer ${accessToken}` };
    const guarded = async () => (await flows.request('/v1/launcher', { headers: authorization })).status;
    const before = await guarded();
    if (before !== 200) throw new Error(`the guarded route answered ${before} to a live token`);
    const answer = await flows.revoke(refreshToken);
    const start = performance.now();
    const introspected = await flows.introspect(accessToken);
    let status = await guarded();
    while (status === 200 && performance.now() - start < seconds(6)) {
      await sleep(STEP);
      status = await guarded();
    }
    const taken = Math.round(performance.now() - start);
    const seen =
      `revocation ${answer.status}; introspection active ${String(introspected.body.active)}; ` +
      `guard ${status} after ${taken} ms`;
    if (answer.status !== 200 || introspected.body.active !== false || status !== 401 || taken > BOUND) {
      return failed(
        `inactive at once, 401 at the guard within ${BOUND} ms`,
        seen,
        'look for a log line about the outbox; the event stream carries revocations',
      );
    }
    return verified(seen);
  },
};
