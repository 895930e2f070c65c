import { failed, minutes, notApplicable, seconds, unknown, verified, type Control } from '../../control.js';
import type { ControlContext } from '../../control-context.js';
import type { Finding } from '../../report.js';
import { instancesOf } from './instances.js';
import { instanceIn } from './network.control.js';

const REQUESTS = 20;
/** An address of the documentation networks (RFC 5737), which nobody has. */
const FORGED = '203.0.113.99';

/** Several instances are all reached, and nobody forges where they come from. */
export const loadBalancer: Control = {
  id: 'config.net.load-balancer',
  kind: 'probe',
  timeout: seconds(15),
  interval: minutes(10),
  verify: balanced,
};

export const scaledLoadBalancer: Control = {
  id: 'performance.scale.load-balancer',
  kind: 'probe',
  timeout: seconds(15),
  interval: minutes(10),
  async verify(context, signal) {
    const finding = await balanced(context, signal);
    if (finding.state !== 'verified') return finding;
    return unknown(finding.seen, 'evidence of a drained instance on this version');
  },
};

async function balanced(context: ControlContext, signal: AbortSignal): Promise<Finding> {
  const { configuration, database, http, security } = context;
  const everybody = configuration.trustedProxies.find((network) => /\/0$/.test(network));
  if (everybody !== undefined) {
    return failed(
      "the proxies' own addresses trusted",
      `${everybody}: everybody is`,
      'set CORE_AUTH_TRUSTED_PROXIES to the addresses of the proxies',
    );
  }
  const { count, named } = instancesOf((await database.capacity()).applications);
  if (!named)
    return unknown(
      'processes share one connection name',
      'how many instances there are: a connection name for each',
    );
  if (count === 1)
    return notApplicable('one instance is connected to the database: there is nothing to balance');
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, () => http.request(`${configuration.issuer}/health/live`, { signal })),
  );
  const reached = new Set(
    answers.map(({ body }) => instanceIn(body)).filter((instance) => instance !== undefined),
  );
  if (reached.size < 2) {
    return failed(
      'more than one instance reached',
      `${REQUESTS} requests reached ${reached.size} of ${count}`,
      'add every instance to the load balancer of CORE_AUTH_URL',
    );
  }
  const flows = await context.flows(signal);
  await flows.signedIn({ headers: { 'x-forwarded-for': FORGED } });
  const recorded = await security.recordedAddress(flows.identity.userId);
  if (recorded === FORGED) {
    return failed(
      'a forged X-Forwarded-For not believed',
      `it was recorded as the client's address`,
      'let the load balancer replace X-Forwarded-For, and trust its address alone',
    );
  }
  return verified(
    `${REQUESTS} requests reached ${reached.size} of ${count} instances; a forged client address was not believed`,
  );
}
