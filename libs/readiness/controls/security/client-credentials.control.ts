import { failed, minutes, seconds, verified, type Control } from '../../control.js';

const ROTATION_DAYS = 365;

/** Clients' secrets are digests, and none is older than the policy allows. */
export const clientCredentials: Control = {
  id: 'security.oauth.client-credentials',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(10),
  async verify({ security, clock }) {
    const plain = await security.clientsWithPlainSecret();
    if (plain.length > 0) {
      return failed(
        'digests (SHA-256)',
        `plain text at ${plain.join(', ')}`,
        'give these clients a new secret: the old one has been readable',
      );
    }
    const limit = new Date(clock.now().getTime() - ROTATION_DAYS * 86_400_000);
    const old = await security.clientsRegisteredBefore(limit);
    if (old.length > 0) {
      return failed(
        `no secret older than ${ROTATION_DAYS} days`,
        `registered before ${limit.toISOString().slice(0, 10)} and never since: ${old.join(', ')}`,
        'register a client of the same module with a new secret, move the module to it, then disable the old one',
      );
    }
    const count = await security.confidentialClients();
    return verified(
      `${count} confidential clients, each with a SHA-256 digest younger than ${ROTATION_DAYS} days`,
    );
  },
};
