import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clientNetwork } from './client-network.js';

const group = fc.integer({ min: 0, max: 0xffff }).map((number) => number.toString(16));
const groups = (count: number) => fc.array(group, { minLength: count, maxLength: count });

describe('what a limit counts for an address', () => {
  it('is an IPv4 address itself, also in the clothes of IPv6', () => {
    expect(clientNetwork('203.0.113.7')).toBe('203.0.113.7');
    expect(clientNetwork('::ffff:203.0.113.7')).not.toBe(clientNetwork('::ffff:203.0.113.8'));
    expect(clientNetwork('::ffff:203.0.113.7')).toBe(clientNetwork('::FFFF:cb00:7107'));
  });

  it('is the /64 of an IPv6 address, however it is written', () => {
    expect(clientNetwork('2001:db8::1')).toBe('2001:db8:0:0::/64');
    expect(clientNetwork('2001:0DB8:0:0:8:800:200C:417A')).toBe('2001:db8:0:0::/64');
    expect(clientNetwork('::1')).toBe('0:0:0:0::/64');
    expect(clientNetwork('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  });

  it('is the same for two addresses of a /64 and differs for two of others', () => {
    fc.assert(
      fc.property(groups(4), groups(4), groups(4), groups(4), (one, other, host, another) => {
        fc.pre(one.some((value) => value !== '0') && other.some((value) => value !== '0'));
        const network = clientNetwork([...one, ...host].join(':'));
        expect(clientNetwork([...one, ...another].join(':'))).toBe(network);
        expect(clientNetwork([...other, ...host].join(':')) === network).toBe(one.join() === other.join());
      }),
    );
  });

  it('leaves what is no address as it is', () => {
    for (const text of ['', 'unknown', '[::1]', '1.2.3.4:5']) expect(clientNetwork(text)).toBe(text);
  });
});
