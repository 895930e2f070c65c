import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { tokensOf } from '../../probe-flows.js';

const LONGEST_CODE = 300;
const ANY = 2_147_483_647;

/** A code ends after five minutes and after its first use. */
export const codeExpiry: Control = {
  id: 'security.oauth.code-expiry',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const { security, probeRows } = context;
    const outliving = await security.clientsOutliving({ access: ANY, refresh: ANY, code: LONGEST_CODE });
    if (outliving.length > 0) {
      return failed(
        `no client whose codes live longer than ${LONGEST_CODE} s`,
        `longer: ${outliving.join(', ')}`,
        `UPDATE clients SET code_seconds = ${LONGEST_CODE} WHERE code_seconds > ${LONGEST_CODE};`,
      );
    }
    const flows = await context.flows(signal);
    const browser = await flows.signedIn();
    const late = await flows.code(browser);
    // the row's end moved back by 5 min + 1 s is the clock moved on by as much
    await probeRows.ageCode(authorizationIdOf(late), flows.identity.userId, LONGEST_CODE + 1);
    const expired = await flows.exchange(late);
    const code = await flows.code(browser);
    const first = await flows.exchange(code);
    const second = await flows.exchange(code);
    const after = await flows.introspect(tokensOf(first).accessToken);
    const seen =
      `after 5 min 1 s: ${expired.status} ${String(expired.body.error)}; second use: ${second.status} ` +
      `${String(second.body.error)}, its tokens active ${String(after.body.active)}`;
    if (
      expired.body.error !== 'invalid_grant' ||
      second.body.error !== 'invalid_grant' ||
      after.body.active !== false
    ) {
      return failed(
        'invalid_grant both times, and the tokens of a reused code ended',
        seen,
        'roll back to a build that checks code_expires_at and state',
      );
    }
    return verified(`${seen}; no client's codes live longer than ${LONGEST_CODE} s`);
  },
};

/** A code's second part is the id of its row, in base64url. */
export function authorizationIdOf(token: string): string {
  const hex = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
