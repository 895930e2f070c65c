import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import type { ProbeResponse } from '../../http-probe.js';

const FOREIGN = 'https://foreign.invalid';
const paths = [
  '/oauth2/authorize',
  '/oauth2/token',
  '/oauth2/userinfo',
  '/oauth2/introspect',
  '/oauth2/revoke',
  '/sign-in',
  '/',
];
const MEND =
  'remove the wildcard or the foreign origin from what sets Access-Control-Allow-Origin, in the server or the proxy';

/** No page of another site reads an answer, unless a registered client needs it. */
export const cors: Control = {
  id: 'security.data.cors',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const flows = await context.flows(signal);
    for (const path of paths) {
      for (const origin of [FOREIGN, 'null']) {
        const allowed = (await Promise.all(both(origin).map((options) => flows.request(path, options)))).map(
          allowance,
        );
        const open = allowed.find((value) => value !== '');
        if (open !== undefined)
          return failed(`${path}: the origin ${origin} refused`, `allowed: ${open}`, MEND);
      }
    }
    const origins = await publicOrigins(context.security);
    const atAuthorize = await Promise.all(
      origins.map((origin) => flows.request('/oauth2/authorize', preflight(origin))),
    );
    // RFC 9700 §2.6: the authorization endpoint is for browsers that go there, never for scripts
    if (atAuthorize.some((answer) => allowance(answer) !== '')) {
      return failed('no CORS on the authorization endpoint', 'a registered origin is allowed there', MEND);
    }
    if (origins.length === 0) {
      return verified(
        `foreign origins and null refused at ${paths.length} addresses; no client runs in a browser, so none is allowed`,
      );
    }
    const atToken = await Promise.all(
      origins.map((origin) => flows.request('/oauth2/token', preflight(origin))),
    );
    const refused = origins.filter((origin, index) => allowance(atToken[index]) !== origin);
    if (refused.length === 0)
      return verified(
        `foreign origins and null refused; ${origins.join(', ')} allowed at the token endpoint`,
      );
    return unknown(
      `foreign origins and null refused at ${paths.length} addresses; ${refused.join(', ')} too`,
      'whether those public clients run in a browser: only then the token endpoint must allow their origin',
    );
  },
};

const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  },
});
const both = (origin: string) => [preflight(origin), { headers: { origin } }];

function allowance(response: ProbeResponse | undefined): string {
  return String(response?.headers['access-control-allow-origin'] ?? '');
}

/** The web origins of public clients: the only ones that could have to read an answer from a page. */
async function publicOrigins(security: {
  redirectUris(): Promise<{ uri: string; open: boolean }[]>;
}): Promise<string[]> {
  const uris = (await security.redirectUris()).filter(({ open, uri }) => open && uri.startsWith('https:'));
  return [...new Set(uris.map(({ uri }) => new URL(uri).origin))];
}
