import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { tokensOf } from '../../probe-flows.js';
import { authorizationIdOf } from './code-expiry.control.js';

/** Seconds for which a token that was just rotated may be presented again. */
const WINDOW = 10;
const MEND = 'roll back to a build that rotates refresh tokens and revokes on reuse';

/** Each refresh gives another token; the old one, presented late, ends everything that came of it. */
export const refreshRotation: Control = {
  id: 'security.oauth.refresh-rotation',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const flows = await context.flows(signal);
    const first = await flows.tokens(await flows.signedIn());
    const second = tokensOf(await flows.refresh(first.refreshToken));
    const third = tokensOf(await flows.refresh(second.refreshToken));
    if (new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size !== 3) {
      return failed('a new refresh token each time', 'the same one came back', MEND);
    }
    await context.probeRows.ageRotation(
      authorizationIdOf(third.refreshToken),
      flows.identity.userId,
      WINDOW + 1,
    );
    const reused = await flows.refresh(second.refreshToken);
    const current = await flows.refresh(third.refreshToken);
    const access = await flows.introspect(third.accessToken);
    const seen =
      `an old token after ${WINDOW + 1} s: ${reused.status} ${String(reused.body.error)}; the current one then: ` +
      `${current.status} ${String(current.body.error)}; the access token active ${String(access.body.active)}`;
    if (
      reused.body.error !== 'invalid_grant' ||
      current.body.error !== 'invalid_grant' ||
      access.body.active !== false
    ) {
      return failed('invalid_grant for both, and the access token ended', seen, MEND);
    }
    return verified(`three generations, three tokens; ${seen}`);
  },
};
