import { failed, minutes, seconds, verified, type Control } from '../../control.js';

const mailboxes = ['/mailbox', '/development/mailbox'];

/** Production is declared, and what it implies is so. */
export const nodeEnv: Control = {
  id: 'config.env.node-env',
  kind: 'boot',
  timeout: seconds(5),
  interval: minutes(10),
  async verify(context, signal) {
    const { configuration, security, http } = context;
    if (!configuration.production) {
      return failed(
        'NODE_ENV=production',
        `NODE_ENV=${configuration.environment}`,
        'set NODE_ENV=production and restart',
      );
    }
    if (!configuration.secureCookies) {
      return failed('Secure cookies', 'cookies without Secure', 'set CORE_AUTH_URL=https://…');
    }
    const demonstration = await security.demonstrationAccounts();
    if (demonstration > 0) {
      return failed(
        'no demonstration data',
        `${demonstration} accounts with addresses below .example`,
        "point DATABASE_URL at a database of its own, or DELETE FROM users WHERE email LIKE '%.example';",
      );
    }
    for (const path of mailboxes) {
      const { status } = await http.request(configuration.issuer + path, { signal });
      if (status < 400)
        return failed(
          'no mailbox page',
          `${path} answers ${status}`,
          'start the server itself, not its development launcher',
        );
    }
    return verified('production, with Secure cookies, without demonstration data or a mailbox page');
  },
};
