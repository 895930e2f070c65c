import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import { briefly } from '../../control-runner.js';
import { locationOf } from '../../probe-browser.js';

const YEAR = 31_536_000;

/** From outside, plain http leads to https or nowhere, and https binds browsers to itself for a year. */
export const httpsEnforced: Control = {
  id: 'security.auth.https-enforced',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(10),
  async verify({ configuration, http, listening }, signal) {
    const issuer = new URL(configuration.issuer);
    if (issuer.protocol !== 'https:') {
      return failed(
        'a public address by https',
        `CORE_AUTH_URL is ${issuer.origin}`,
        'put a TLS proxy before the server and set CORE_AUTH_URL=https://…',
      );
    }
    const plain = await http.request(`http://${issuer.hostname}/`, { signal }).then(
      (answer) => ({ status: answer.status, to: locationOf(answer)?.href ?? '' }),
      (error: { code?: string }) => ({ status: 0, to: error.code ?? briefly(error) }),
    );
    const redirects = plain.status === 308 && plain.to.startsWith('https:');
    const refuses = plain.status === 0 && plain.to === 'ECONNREFUSED';
    if (plain.status === 0 && !refuses)
      return unknown(`http://${issuer.hostname}/: ${plain.to}`, 'an answer at port 80');
    const port80 = refuses ? 'port 80 refuses' : `http answers ${plain.status} to ${plain.to}`;
    if (!redirects && !refuses) {
      return failed(
        '308 to https, or a refusal, at port 80',
        port80,
        'let the proxy answer port 80 with 308 https://$host$request_uri',
      );
    }
    const secure = await http.request(issuer, { signal });
    const hsts = String(secure.headers['strict-transport-security'] ?? '');
    if (!(Number(/max-age="?(\d+)/.exec(hsts)?.[1] ?? 0) >= YEAR)) {
      return failed(
        'Strict-Transport-Security of a year or more',
        hsts === '' ? 'no such header' : hsts,
        `let the proxy send Strict-Transport-Security: max-age=${YEAR}`,
      );
    }
    if (!listening) return unknown(`${port80}; ${hsts}`, 'the address on which this process listens');
    const forwarded = await http.request(new URL('/sign-in', listening), {
      headers: { 'x-forwarded-proto': 'http' },
      signal,
    });
    if (forwarded.status < 300 || forwarded.status >= 500) {
      return failed(
        'a request whose forwarded scheme is http redirected or refused by the server itself',
        `HTTP ${forwarded.status}`,
        'let the server listen where only the proxy reaches it, and the proxy drop what came by http',
      );
    }
    return verified(`${port80}; ${hsts}; forwarded http answers ${forwarded.status}`);
  },
};
