import { isIPv6 } from 'node:net';

const GROUPS = 8;
/** Of eight, those that a provider gives to one customer (RFC 6177 §2). */
const NETWORK_GROUPS = 4;

/**
 * What a limit counts for an address: an IPv4 address itself, of an IPv6 address its /64, in which one host may take
 * any address that it likes.
 */
export function clientNetwork(address: string): string {
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return address;
  const groups = groupsOf(bare);
  // RFC 4291 §2.5.5.2: an IPv4 address in IPv6 clothes
  const mapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff';
  return mapped ? groups.join(':') : `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`;
}

/** The eight groups in hexadecimal digits without leading zeros (RFC 5952 §4.1). */
function groupsOf(address: string): string[] {
  const [before = '', after] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const [head, tail] = [before, after ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const known = [...(head ?? []), ...(tail ?? [])].length;
  return [...(head ?? []), ...Array<string>(GROUPS - known).fill('0'), ...(tail ?? [])];
}
