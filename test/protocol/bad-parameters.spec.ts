import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ABSENT,
  CONTROL_CHARACTERS,
  OVERSIZED,
  REPEATED,
  WRONG_ENCODING,
  WRONG_TYPE,
  type Deformation,
} from '../support/bad-values.js';
import { createEverythingClient, formEndpoints, type Endpoint } from '../support/endpoints.js';
import { harmOf, sendRaw, type RawAnswer } from '../support/raw-request.js';
import { World, type TestClient } from '../support/world.js';

const FORM = 'application/x-www-form-urlencoded';

const pairsOf = (fields: Readonly<Record<string, string>>): string[] =>
  Object.entries(fields).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);

/** Each is a test below; the last of them is good, and shows that the refusals before it changed nothing. */
const TITLES = [
  ...['authorization by GET', 'authorization by POST', 'pushed authorization (RFC 9126)'],
  ...['authorization_code', 'refresh_token', 'client_credentials', 'device_code (RFC 8628)'].map(
    (grant) => `token by ${grant}`,
  ),
  ...['token by token-exchange (RFC 8693)', 'token by client_secret_post'],
  ...[
    'introspection (RFC 7662)',
    'revocation (RFC 7009)',
    'device authorization (RFC 8628)',
    'a new webhook',
  ],
  ...['userinfo by GET', 'userinfo by POST', 'logout by GET', 'logout by POST'],
  ...['the page for a device', 'the form for a device', 'the picture for a device'],
];

describe('bad parameters', () => {
  let world: World;
  let client: TestClient;
  let endpoints: Endpoint[];
  const renewed = new Map<Endpoint, Readonly<Record<string, string>>>();

  beforeAll(async () => {
    world = await World.start();
    client = await createEverythingClient(world);
    endpoints = await formEndpoints(world, client);
  }, 60_000);
  afterAll(() => world.stop());

  const send = ({ method, path, headers }: Endpoint, pairs: readonly string[]): Promise<RawAnswer> => {
    const text = pairs.filter((pair) => pair !== '').join('&');
    return method === 'GET'
      ? sendRaw(world.url, method, `${path}?${text}`, { headers })
      : sendRaw(world.url, method, path, { headers: { 'content-type': FORM, ...headers }, body: text });
  };

  /** The error that an answer tells, in whatever way; undefined when it is none. */
  const errorOf = ({ status, type, location, text }: RawAnswer): string | undefined => {
    if (status === 303) {
      const { searchParams } = new URL(location ?? '', world.url);
      return searchParams.get('error') ?? undefined;
    }
    if (status < 400) return undefined;
    // RFC 6585 §5: an address that no header can hold is refused before anything is known of it
    if (status === 431) return 'invalid_request';
    if (type.includes('application/json')) return (JSON.parse(text) as { error: string }).error;
    // the page for a person
    return status === 404 ? 'not_found' : status === 403 ? 'access_denied' : 'invalid_request';
  };
  /** A redirect leads to the client's own address, or to a page of ours. */
  const strays = ({ location }: RawAnswer): boolean => {
    if (location === undefined) return false;
    const { origin, pathname } = new URL(location, world.url);
    return (
      ![client.redirectUri, 'https://projects.example/signed-out'].includes(origin + pathname) &&
      !(origin === world.url && ['/consent', '/sign-in', '/sign-out', '/signed-out'].includes(pathname))
    );
  };

  /** Sends the good request with each parameter deformed in each way; tells what was answered wrongly. */
  const complaintsAbout = async (
    endpoint: Endpoint,
    { ways }: Deformation,
    mustRefuse: (name: string, way: string) => boolean,
  ): Promise<string[]> => {
    const complaints: string[] = [];
    for (const name of Object.keys(endpoint.good)) {
      for (const [way, write] of Object.entries(ways)) {
        const good = goodOf(endpoint);
        const pairs = Object.entries(good).map(([each, value]) =>
          each === name ? write(each, encodeURIComponent(value)) : `${each}=${encodeURIComponent(value)}`,
        );
        // a way may have nothing to change
        if (pairs.join('&') === pairsOf(good).join('&')) continue;
        const answer = await send(endpoint, pairs);
        const error = errorOf(answer);
        const complaint =
          harmOf(answer) ??
          (strays(answer) ? `leads to ${answer.location}` : undefined) ??
          (error !== undefined && !endpoint.errors.includes(error) ? `error ${error}` : undefined) ??
          (error === undefined && mustRefuse(name, way) ? `taken: ${answer.status}` : undefined);
        if (error === undefined && endpoint.renew) renewed.set(endpoint, await endpoint.renew());
        if (complaint !== undefined) complaints.push(`${name}, ${way}: ${complaint}`);
      }
    }
    return complaints;
  };
  const goodOf = (endpoint: Endpoint) => renewed.get(endpoint) ?? endpoint.good;
  const endpointOf = (title: string): Endpoint => {
    const endpoint = endpoints.find((each) => each.title === title);
    if (!endpoint) throw new Error(`there is no ${title}`);
    return endpoint;
  };

  it('is about every endpoint and grant that takes a form or a query', () => {
    expect(endpoints.map(({ title }) => title)).toEqual(TITLES);
  });

  describe.each(TITLES)('%s', (title) => {
    it('RFC 6749 §3.1, §3.2: a parameter that is missing or empty is left out, and refused when it is needed', async () => {
      const endpoint = endpointOf(title);
      const needed = (name: string) => endpoint.required.includes(name);
      expect(await complaintsAbout(endpoint, ABSENT, needed)).toEqual([]);
    });

    it('RFC 6749 §3.1, §3.2: a parameter that is sent twice is invalid_request', async () => {
      const endpoint = endpointOf(title);
      const once = (name: string, way: string) =>
        !(endpoint.ignored ?? []).includes(name) &&
        (way === 'another too' || !(endpoint.repeatable ?? []).includes(name));
      expect(await complaintsAbout(endpoint, REPEATED, once)).toEqual([]);
    });

    it('RFC 6749 §3.1, §3.2: a parameter that nobody knows is ignored', async () => {
      const endpoint = endpointOf(title);
      const answer = await send(endpoint, [...pairsOf(goodOf(endpoint)), 'unheard_of=x']);
      if (endpoint.renew) renewed.set(endpoint, await endpoint.renew());
      expect([answer.status, errorOf(answer)]).toEqual([endpoint.success, undefined]);
    });

    it('a parameter that is longer than any good one is refused', async () => {
      const endpoint = endpointOf(title);
      const read = (name: string) => !(endpoint.ignored ?? []).includes(name);
      expect(await complaintsAbout(endpoint, OVERSIZED, read)).toEqual([]);
    });

    it.each([CONTROL_CHARACTERS, WRONG_ENCODING, WRONG_TYPE])(
      'a parameter $title is refused, wherever it decides something',
      async (deformation) => {
        const endpoint = endpointOf(title);
        const harmless = [...(endpoint.free ?? []), ...(endpoint.ignored ?? [])];
        const strict = (name: string) => !harmless.includes(name);
        expect(await complaintsAbout(endpoint, deformation, strict)).toEqual([]);
      },
    );

    it('a body of more than 64 KiB, or a longer address than a header holds, is refused unread', async () => {
      const endpoint = endpointOf(title);
      const answer = await send(endpoint, [`x=${'x'.repeat(64 * 1024)}`]);
      expect(harmOf(answer)).toBeUndefined();
      // RFC 9126 §2.3 has a status of its own
      const tooLarge = endpoint.path === '/oauth2/par' ? 413 : 400;
      expect(answer.status).toBe(endpoint.method === 'GET' ? 431 : tooLarge);
    });

    it('none of that has changed anything: the good request is still good', async () => {
      const endpoint = endpointOf(title);
      const answer = await send(endpoint, pairsOf(goodOf(endpoint)));
      expect([answer.status, errorOf(answer)]).toEqual([endpoint.success, undefined]);
    });
  });
});
