import { sha256 } from '#platform';
import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import type { ControlContext } from '../../control-context.js';
import { briefly } from '../../control-runner.js';
import type { Finding } from '../../report.js';
import { crossIntoModule, moduleAddress } from '../module-journey.js';
import type { RegisteredModule } from '../security/security.repository.js';

const examples = [
  'secret',
  'changeme',
  'change-me',
  'password',
  'client-secret',
  'projects-secret',
  'reports-secret',
  'example',
];
const none = unknown('no module is registered', 'a module: register one');

/** Every module answers at its address, and may be returned to. */
export const moduleUrls: Control = {
  id: 'config.env.module-urls',
  kind: 'probe',
  timeout: seconds(15),
  interval: minutes(2),
  async verify(context, signal) {
    const modules = await context.security.modules();
    if (modules.length === 0) return none;
    for (const { key, baseUrl, clients } of modules) {
      if (!/^https?:\/\/[^/?#\s]+(\/[^?#\s]*)?$/.test(baseUrl)) {
        return failed(
          'an absolute URL',
          `${key} has "${baseUrl}"`,
          `core-auth modules set ${key} --url https://…`,
        );
      }
      const callback = moduleAddress(baseUrl, 'callback');
      if (!clients.some(({ enabled, redirectUris }) => enabled && redirectUris.includes(callback))) {
        return failed(
          `${callback} registered`,
          `no enabled client of ${key} has it`,
          `add it to redirect_uris of the client of ${key}`,
        );
      }
      const probe = `${baseUrl.replace(/\/$/, '')}/health/ready`;
      const answer = await context.http.request(probe, { signal }).then(
        ({ status }) => `HTTP ${status}`,
        (error: unknown) => briefly(error),
      );
      if (answer !== 'HTTP 200')
        return failed(`${probe} answers 200`, answer, `start the module ${key}, or correct its base URL`);
    }
    return verified(
      `ready, with their callbacks registered: ${modules.map(({ baseUrl }) => baseUrl).join(', ')}`,
    );
  },
};

/** Each module names itself as a client that is enabled and its own. */
export const oauthClientId: Control = {
  id: 'config.env.oauth-client-id',
  kind: 'probe',
  timeout: seconds(15),
  interval: minutes(5),
  verify: (context, signal) =>
    eachModule(context, signal, false, ({ key, clients }, { clientId, seen }) => {
      if (clientId === undefined)
        return unknown(`${key}: ${seen}`, `the client id that ${key} names itself by`);
      const client = clients.find(({ id }) => id === clientId);
      if (client?.enabled) return verified(`${key} is "${clientId}"`);
      return failed(
        `an enabled client of the module ${key}`,
        client ? `"${clientId}" is disabled` : `"${clientId}" is not a client of ${key}`,
        `set OAUTH_CLIENT_ID of ${key} to ${clients.find(({ enabled }) => enabled)?.id ?? 'a client registered for it'} and restart it`,
      );
    }),
};

/** Each module's secret is the right one; how long it is, its digest does not tell. */
export const oauthClientSecret: Control = {
  id: 'config.env.oauth-client-secret',
  kind: 'probe',
  timeout: seconds(20),
  interval: minutes(5),
  async verify(context, signal) {
    const known = await context.security.clientsWithSecret(examples.map((example) => sha256(example)));
    const mend =
      'register a new secret for the client, set OAUTH_CLIENT_SECRET of the module to it and restart the module';
    if (known.length > 0) return failed('no example as a secret', `an example at ${known.join(', ')}`, mend);
    const finding = await eachModule(context, signal, true, ({ key }, { callback, signedIn, seen }) => {
      if (!callback) return unknown(`${key}: ${seen}`, `a sign-in at ${key}`);
      if (!signedIn) return failed(`${key} exchanges a code with its secret`, seen, mend);
      return verified(`${key} exchanged a code with its secret`);
    });
    if (finding.state !== 'verified') return finding;
    return unknown(
      `${finding.seen}; none is an example`,
      'the length of each secret: the server holds its digest alone',
    );
  },
};

type Judge = (module: RegisteredModule, crossing: Awaited<ReturnType<typeof crossIntoModule>>) => Finding;

/** The first finding that is not green, or all of them together. */
async function eachModule(
  context: ControlContext,
  signal: AbortSignal,
  complete: boolean,
  judge: Judge,
): Promise<Finding> {
  const modules = await context.security.modules();
  if (modules.length === 0) return none;
  const flows = await context.flows(signal);
  const browser = await flows.signedIn();
  const seen: string[] = [];
  for (const module of modules) {
    let finding: Finding;
    try {
      finding = judge(module, await crossIntoModule(browser, module.baseUrl, complete));
    } catch (error) {
      return unknown(`${module.key}: ${briefly(error)}`, `an answer of the module at ${module.baseUrl}`);
    }
    if (finding.state !== 'verified') return finding;
    seen.push(finding.seen);
  }
  await flows.signOut(browser);
  return verified(seen.join('; '));
}
