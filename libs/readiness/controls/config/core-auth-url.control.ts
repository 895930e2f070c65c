import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { briefly } from '../../control-runner.js';
import { jsonOf } from '../../probe-flows.js';
import { isLoopback } from './database-address.js';

/** The public address leads here, and the server calls itself by it. */
export const coreAuthUrl: Control = {
  id: 'config.env.core-auth-url',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(5),
  async verify({ configuration, http }, signal) {
    const { issuer, production } = configuration;
    const url = new URL(issuer);
    const local = !production && isLoopback(url.hostname);
    if (url.protocol !== 'https:' && !local) {
      return failed(
        'an https address (http on loopback outside production)',
        issuer,
        'set CORE_AUTH_URL=https://…',
      );
    }
    const discovery = `${issuer}/.well-known/openid-configuration`;
    let answer;
    try {
      answer = await http.request(discovery, { headers: { accept: 'application/json' }, signal });
    } catch (error) {
      return failed(
        `${discovery} answers`,
        briefly(error),
        'set CORE_AUTH_URL to the address that leads to this server',
      );
    }
    const named = jsonOf(answer.body).issuer;
    if (named !== issuer) {
      return failed(
        `the issuer ${issuer} in the document fetched through it`,
        typeof named === 'string' ? named : `HTTP ${answer.status} without an issuer`,
        'set CORE_AUTH_URL to the address that leads to this server',
      );
    }
    return verified(`${discovery} names ${issuer}`);
  },
};
