import type { AccessTokenGrant } from '#tokens';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';

const DAY = 86_400;
const LONGEST_REFRESH = 30 * DAY;
/** Codes are another item. */
const ANY = 2_147_483_647;

/** Claims that the issuer sets for each token anew. */
const OF_ONE_TOKEN = ['iss', 'iat', 'exp', 'jti'];

/** Tokens end when they should, and an ended one is refused. */
export const tokenExpiry: Control = {
  id: 'security.auth.token-expiry',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const { security, probeRows, accessTokens, clock } = context;
    const outliving = await security.clientsOutliving({ access: DAY, refresh: LONGEST_REFRESH, code: ANY });
    if (outliving.length > 0) {
      return failed(
        'no client whose tokens live longer than 24 h (access) or 30 days (refresh)',
        `longer: ${outliving.join(', ')}`,
        'set access_token_seconds ≤ 86400 and refresh_token_seconds ≤ 2592000 for these clients',
      );
    }
    const flows = await context.flows(signal);
    const { accessToken, claims } = await flows.tokens(await flows.signedIn());
    const lifetime = Number(claims.exp) - Number(claims.iat);
    const end = await probeRows.authorizationEnd(String(claims.authorization_id), flows.identity.userId);
    const refreshLifetime = end ? Math.round((end.getTime() - clock.now().getTime()) / 1000) : Infinity;
    if (!(lifetime > 0 && lifetime <= DAY) || !(refreshLifetime <= LONGEST_REFRESH)) {
      return failed(
        'an access token of 24 h at most, refreshable for 30 days at most',
        `access token ${lifetime} s, refreshable for ${refreshLifetime} s`,
        'set access_token_seconds ≤ 86400 and refresh_token_seconds ≤ 2592000 for the client',
      );
    }
    const live = await flows.userinfo(accessToken);
    const grant = Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_ONE_TOKEN.includes(name)));
    // signed by the server's own key, its end a second ago: what the token will be once the clock has moved on
    const expired = accessTokens.issue(grant as unknown as AccessTokenGrant, -1);
    const guarded = await flows.userinfo(expired);
    const introspected = await flows.introspect(expired);
    const seen =
      `live: guard ${live.status}; expired: guard ${guarded.status}, ` +
      `introspection active ${String(introspected.body.active)}`;
    if (live.status !== 200 || guarded.status !== 401 || introspected.body.active !== false) {
      return failed(
        'live: guard 200; expired: guard 401, introspection active false',
        seen,
        'roll back to a build whose guards check exp',
      );
    }
    return verified(
      `access token ${lifetime} s, refreshable for ${Math.round(refreshLifetime / DAY)} days; ${seen}`,
    );
  },
};
