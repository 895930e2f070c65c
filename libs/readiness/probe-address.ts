import { randomBytes } from 'node:crypto';

/**
 * Addresses of the loopback network that nobody has used, to come from as different clients. Undefined where there are
 * none: only Linux routes all of 127.0.0.0/8, and only a server on this machine is reached from them.
 */
export function probeAddresses(server: URL | string, count: number): string[] | undefined {
  const { hostname } = new URL(server);
  const local = hostname === 'localhost' || hostname.endsWith('.localhost') || hostname.startsWith('127.');
  if (process.platform !== 'linux' || !local) return undefined;
  const [a = 0, b = 0, c = 0] = randomBytes(3);
  const network = `127.${1 + (a % 254)}.${b}`;
  // not always the same one of its network: a probe that has used one up would be met sooner
  const first = 1 + (c % 54);
  return Array.from(
    { length: Math.max(2, Math.min(count, 200)) },
    (_, index) => `${network}.${first + index}`,
  );
}
