import { BlockList, isIP } from 'node:net';

/** IPv4 addresses that are not public (RFC 6890 and the IANA IPv4 Special-Purpose Address Registry). */
const SPECIAL_IPV4: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8], // this network: RFC 791 §3.2
  ['10.0.0.0', 8], // private: RFC 1918
  ['100.64.0.0', 10], // shared by carriers: RFC 6598
  ['127.0.0.0', 8], // loopback: RFC 1122 §3.2.1.3
  ['169.254.0.0', 16], // link-local, where clouds keep their metadata: RFC 3927
  ['172.16.0.0', 12], // private: RFC 1918
  ['192.0.0.0', 24], // protocol assignments: RFC 6890 §2.1
  ['192.0.2.0', 24], // documentation: RFC 5737
  ['192.88.99.0', 24], // relays of 6to4: RFC 7526
  ['192.168.0.0', 16], // private: RFC 1918
  ['198.18.0.0', 15], // benchmarking: RFC 2544
  ['198.51.100.0', 24], // documentation: RFC 5737
  ['203.0.113.0', 24], // documentation: RFC 5737
  ['224.0.0.0', 4], // multicast: RFC 5771
  ['240.0.0.0', 4], // reserved, and limited broadcast: RFC 1112 §4, RFC 919
];

/** What of the global unicast space (2000::/3, RFC 4291 §2.4) is not public after all. */
const SPECIAL_IPV6: readonly (readonly [network: string, bits: number])[] = [
  ['2001::', 23], // protocol assignments, with Teredo, benchmarking and ORCHID: RFC 2928
  ['2001:db8::', 32], // documentation: RFC 3849
  ['2002::', 16], // 6to4, which hides an IPv4 address: RFC 7526
  ['3fff::', 20], // documentation: RFC 9637
];

/** Prefixes of IPv6 addresses that stand for an IPv4 address: what that one may not, they may not either. */
const TRANSLATED = [
  ['::ffff:', 96], // IPv4-mapped: RFC 4291 §2.5.5.2
  ['64:ff9b::', 96], // NAT64: RFC 6052 §2.1
] as const;

const special = new BlockList();
const unicast = new BlockList();
unicast.addSubnet('0.0.0.0', 0, 'ipv4');
unicast.addSubnet('2000::', 3, 'ipv6');
for (const [network, bits] of SPECIAL_IPV4) special.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of SPECIAL_IPV6) special.addSubnet(network, bits, 'ipv6');
for (const [prefix, length] of TRANSLATED) {
  unicast.addSubnet(`${prefix}0.0.0.0`, length, 'ipv6');
  for (const [network, bits] of SPECIAL_IPV4) {
    special.addSubnet(`${prefix}${network}`, length + bits, 'ipv6');
  }
}

/** Whether anybody on the internet may be behind this address; what is no address is not public. */
export function isPublicAddress(address: string): boolean {
  const family = familyOf(address);
  return family !== undefined && unicast.check(address, family) && !special.check(address, family);
}

/** A set of networks, each an address or `address/bits`. */
export class Networks {
  private readonly list = new BlockList();

  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = familyOf(address);
      if (!family) throw new Error(`not a network: ${network}`);
      if (bits === undefined) this.list.addAddress(address, family);
      else this.list.addSubnet(address, Number(bits), family);
    }
  }

  includes(address: string): boolean {
    const family = familyOf(address);
    return family !== undefined && this.list.check(address, family);
  }
}

/** Undefined for what is no address, or is one of a single link only (RFC 4007 §11: `fe80::1%eth0`). */
function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (address.includes('%')) return undefined;
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 ? 'ipv4' : 'ipv6';
}
