import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isPublicAddress, Networks } from './outbound-networks.js';
import { OutboundFailed, OutboundHttp, OutboundRefused } from './outbound.js';

const octet = fc.nat(255);

describe('addresses that anybody may be behind', () => {
  it.each([
    ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.1'],
    ...['127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1'],
    ...['192.88.99.1', '192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9'],
    ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
    ...[
      '::',
      '::1',
      '::10.0.0.1',
      'fc00::1',
      'fd12:3456::1',
      'fe80::1',
      'fe80::1%eth0',
      '2606:4700::1111%eth0',
      'febf::1',
      'fec0::1',
    ],
    ...['ff02::1', '2001:db8::1', '2001::1', '2001:2::1', '2001:10::1', '2002:a00:1::1', '2002:808:808::1'],
    ...['3fff::1', '100::1', '64:ff9b:1::1', '64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '::ffff:127.0.0.1'],
    ...['::ffff:a9fe:a9fe', '::ffff:0:127.0.0.1', '5f00::1', '4000::1', 'localhost', '', '1.2.3'],
  ])('RFC 6890: not %s', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each([
    ...['1.1.1.1', '8.8.8.8', '11.0.0.1', '100.63.255.255', '100.128.0.1', '172.15.0.1', '172.32.0.1'],
    ...['192.0.1.1', '192.167.1.1', '198.17.1.1', '198.20.0.1', '223.255.255.254', '2606:4700::1111'],
    ...['2a00:1450::1', '64:ff9b::8.8.8.8', '::ffff:8.8.8.8'],
  ])('but %s', (address) => expect(isPublicAddress(address)).toBe(true));

  it('RFC 4291 §2.5.5.2, RFC 6052 §2.1: a mapped or translated address is what its IPv4 address is', () => {
    fc.assert(
      fc.property(octet, octet, octet, octet, (...octets) => {
        const address = octets.join('.');
        expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address));
        expect(isPublicAddress(`64:ff9b::${address}`)).toBe(isPublicAddress(address));
      }),
    );
  });

  it('a network includes what lies in it, and no more', () => {
    const networks = new Networks(['10.1.0.0/16', 'fd00::/8', '192.168.7.7']);
    expect(['10.1.255.1', 'fd00::9', '192.168.7.7'].every((address) => networks.includes(address))).toBe(
      true,
    );
    expect(['10.2.0.1', 'fe80::1', '192.168.7.8', 'x'].some((address) => networks.includes(address))).toBe(
      false,
    );
    expect(() => new Networks(['nowhere/8'])).toThrow('not a network');
  });
});

describe('outbound requests', () => {
  let server: Server;
  let port: number;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const requests: IncomingMessage[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => void (requests.length = 0));
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const loopback = ['127.0.0.0/8', '::1'];
  const named = (...addresses: string[]) => new OutboundHttp(loopback, () => Promise.resolve(addresses));
  const refusal = (http: OutboundHttp, url: string) =>
    http.send(url).then(
      () => 'sent',
      (error: Error) => (error instanceof OutboundRefused ? error.message : `failed: ${error.message}`),
    );

  it.each([
    ...[
      '127.0.0.1',
      '127.1',
      '0x7f.1',
      '0177.0.0.1',
      '2130706433',
      '0x7f000001',
      '127.0.0.1.',
      '１２７.0.0.1',
    ],
    ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', 'localhost', 'LOCALHOST.'],
    ...['app.localhost', '0', '10.0.0.1', '169.254.169.254', '[fd00::1]', '[fe80::1]', '[64:ff9b::7f00:1]'],
  ])('a literal or reserved name of a network of ours is refused however it is spelled: %s', async (host) => {
    const http = new OutboundHttp([], () => Promise.reject(new Error('no name should be looked up')));
    expect(await refusal(http, `https://${host}:${port}/`)).toBe('must not point into a private network');
    expect(await refusal(http, `http://${host}:${port}/`)).toBe('must be https');
    expect(await http.problem(`https://${host}:${port}/`)).toBe('must not point into a private network');
    expect(requests).toHaveLength(0);
  });

  it.each([
    ['not a URL', 'must be an absolute URL'],
    ['/relative', 'must be an absolute URL'],
    ['ftp://files.example/', 'must be https'],
    ['file:///etc/passwd', 'must be https'],
    ['https://user:pw@hooks.example/', 'must not contain user information'],
    ['https://hooks.example/#x', 'must not have a fragment'],
  ])('what is no https URL of a host alone is refused: %s', async (url, message) => {
    expect(await refusal(named('8.8.8.8'), url)).toBe(message);
    expect(await named('8.8.8.8').problem(url)).toBe(message);
  });

  it('what is longer than any address is refused', async () => {
    expect(await refusal(named('8.8.8.8'), `https://hooks.example/${'x'.repeat(2048)}`)).toBe(
      'must be an absolute URL',
    );
  });

  it('a name is refused for what it resolves to, also when it came to that later', async () => {
    const addresses = ['8.8.8.8'];
    const http = new OutboundHttp([], () => Promise.resolve([...addresses]));
    expect(await http.problem('https://hooks.example/')).toBeUndefined();
    addresses[0] = '10.0.0.5';
    expect(await refusal(http, 'https://hooks.example/')).toBe('must not point into a private network');
    expect(await http.problem('https://hooks.example/')).toBe('must not point into a private network');
  });

  it('http is for allowed networks only, whatever else the name resolves to', async () => {
    expect(await refusal(named('8.8.8.8'), 'http://hooks.example/')).toBe('must be https');
    answer = (_request, response) => response.end();
    expect(await refusal(named('8.8.8.8', '127.0.0.1'), `http://hooks.example:${port}/`)).toBe('sent');
  });

  it('the address that was checked is the one that is connected to: the name is resolved once', async () => {
    let asked = 0;
    const http = new OutboundHttp(loopback, () => {
      asked += 1;
      return Promise.resolve([asked === 1 ? '127.0.0.1' : '10.0.0.1']);
    });
    answer = (_request, response) => response.end('here');
    expect(await http.send(`http://rebinding.example:${port}/x?y=1`)).toMatchObject({ body: 'here' });
    expect(asked).toBe(1);
    expect(requests[0]).toMatchObject({ method: 'GET', url: '/x?y=1' });
    expect(requests[0]?.headers.host).toBe(`rebinding.example:${port}`);
  });

  it('RFC 6761 §6.3: a name under localhost is loopback without being looked up', async () => {
    answer = (_request, response) => response.end('here');
    const http = new OutboundHttp(loopback, () => Promise.reject(new Error('no name should be looked up')));
    expect(await http.send(`http://app.localhost:${port}/`)).toMatchObject({ status: 200, body: 'here' });
  });

  it('posts what it is given and gives status, headers and text back', async () => {
    let got = '';
    answer = (request, response) => {
      request.on('data', (chunk: Buffer) => (got += chunk.toString()));
      request.on('end', () => response.writeHead(202, { 'x-answer': 'yes' }).end('grüße'));
    };
    const sent = await named('127.0.0.1').send(`http://hooks.example:${port}/`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'héllo',
    });
    expect(got).toBe('héllo');
    expect(sent).toMatchObject({ status: 202, headers: { 'x-answer': 'yes' }, body: 'grüße' });
    expect(requests[0]?.headers).toMatchObject({ 'content-type': 'text/plain', connection: 'close' });
  });

  it('a redirect is an answer and is not followed', async () => {
    answer = (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end();
    expect(await named('127.0.0.1').send(`http://hooks.example:${port}/`)).toMatchObject({ status: 302 });
    expect(requests).toHaveLength(1);
  });

  it('the time is limited as a whole: a name that does not resolve, an answer that does not begin, one that drips', async () => {
    const mute = new OutboundHttp(loopback, () => new Promise(() => undefined));
    await expect(mute.send('https://hooks.example/', { timeout: 50 })).rejects.toThrow('no answer in time');
    answer = () => undefined;
    const url = `http://hooks.example:${port}/`;
    await expect(named('127.0.0.1').send(url, { timeout: 50 })).rejects.toThrow('no answer in time');
    answer = (_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(drip));
    };
    await expect(named('127.0.0.1').send(url, { timeout: 200 })).rejects.toThrow('no answer in time');
    const began = await named('127.0.0.1').send(url, { timeout: 200, discardBody: true });
    expect(began).toMatchObject({ status: 200, body: '' });
  });

  it('a longer answer than was asked for is an error, or is dropped with the rest of the body', async () => {
    answer = (_request, response) => response.writeHead(200).end('x'.repeat(2000));
    const url = `http://hooks.example:${port}/`;
    await expect(named('127.0.0.1').send(url, { maxBytes: 1999 })).rejects.toThrow('longer than 1999 bytes');
    expect((await named('127.0.0.1').send(url, { maxBytes: 2000 })).body).toHaveLength(2000);
    expect(await named('127.0.0.1').send(url, { maxBytes: 10, discardBody: true })).toMatchObject({
      status: 200,
      body: '',
    });
  });

  it('what cannot be reached is a failure that names why', async () => {
    const unknown = new OutboundHttp([], () =>
      Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
    );
    const failed = unknown.send('https://hooks.example/');
    await expect(failed).rejects.toBeInstanceOf(OutboundFailed);
    await expect(failed).rejects.toThrow('the name cannot be resolved: ENOTFOUND');
    // a name that does not resolve yet may be registered, unless it asks for an exception from https
    expect(await unknown.problem('https://hooks.example/')).toBeUndefined();
    expect(await unknown.problem('http://hooks.example/')).toBe('must be https');
    await expect(named('127.0.0.1').send('http://hooks.example:1/')).rejects.toThrow('ECONNREFUSED');
  });

  it('RFC 9110 §15.2.2: a receiver that would switch to another protocol has not answered', async () => {
    answer = ({ socket }) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n');
    const sent = named('127.0.0.1').send(`http://hooks.example:${port}/`, {
      timeout: 2000,
      discardBody: true,
    });
    await expect(sent).rejects.toThrow('the connection was closed without an answer');
  });

  it('TLS is checked: a receiver that speaks none, or whose certificate nobody vouches for, is not spoken to', async () => {
    await expect(named('127.0.0.1').send(`https://hooks.example:${port}/`)).rejects.toBeInstanceOf(
      OutboundFailed,
    );
    expect(requests).toHaveLength(0);
  });
});
