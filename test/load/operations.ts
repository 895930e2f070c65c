import { createHash, randomBytes } from 'node:crypto';
import { claimsOf } from '../support/world.js';
import type { Journey } from './driver.js';
import {
  getRequest,
  headerOf,
  postRequest,
  type HttpAnswer,
  type HttpConnection,
} from './http-connection.js';
import { basicOf, MACHINE_SCOPE, RESOURCE, SCOPE, type BenchClient, type Target } from './target.js';

/** What is measured once the target has been made ready for it. */
export interface Prepared {
  readonly journey: Journey;
  /** Does it once and looks at what the answers say; throws when that is not what a client needs. */
  readonly check: (connection: HttpConnection) => Promise<void>;
}

export interface Operation {
  readonly name: string;
  readonly title: string;
  /** Reads and writes that the specification allows our server. */
  readonly budget: number;
  readonly prepare: (target: Target, connection: HttpConnection, slots: number) => Promise<Prepared>;
}

/** Access tokens that each connection takes turns with. */
const TOKENS_PER_SLOT = 4;

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'client_credentials',
    title: 'Client credentials',
    budget: 0,
    prepare: async (target) => {
      const form = new URLSearchParams({ grant_type: 'client_credentials', scope: MACHINE_SCOPE });
      const request = postRequest(target.paths.token, authenticated(target.client), String(form));
      return repeated(request, ({ body }) => {
        const { access_token: token } = JSON.parse(body) as Record<string, unknown>;
        requireAccessToken(target, token, target.client.id);
      });
    },
  },
  {
    name: 'refresh',
    title: 'Refresh',
    budget: 1,
    prepare: async (target, _, slots) => refreshing(target, slots),
  },
  {
    name: 'introspection',
    title: 'Introspection',
    budget: 1,
    prepare: async (target, connection, slots) => {
      const headers = authenticated(target.inspector);
      const requests = (await accessTokens(target, connection, slots)).map((token) =>
        postRequest(
          target.paths.introspect,
          headers,
          String(new URLSearchParams({ token, token_type_hint: 'access_token' })),
        ),
      );
      return inTurn(requests, ({ body }) => {
        const answer = JSON.parse(body) as Record<string, unknown>;
        demand(
          answer['active'] === true && answer['client_id'] === target.inspector.id,
          'a live token',
          body,
        );
      });
    },
  },
  {
    name: 'userinfo',
    title: 'Userinfo',
    budget: 1,
    prepare: async (target, connection, slots) => {
      const requests = (await accessTokens(target, connection, slots)).map((token) =>
        getRequest(target.paths.userinfo, { authorization: `Bearer ${token}` }),
      );
      return inTurn(requests, ({ body }) => {
        const answer = JSON.parse(body) as Record<string, unknown>;
        const whole = ['sub', 'name', 'email'].every((claim) => typeof answer[claim] === 'string');
        demand(whole, 'sub, name and email', body);
      });
    },
  },
  {
    name: 'jwks',
    title: 'JWKS',
    budget: 0,
    prepare: async (target) =>
      repeated(getRequest(target.paths.jwks), ({ body }) => {
        const { keys } = JSON.parse(body) as { keys: { kty: string }[] };
        const types = new Set(keys.map(({ kty }) => kty));
        demand(types.has('EC') && types.has('RSA'), 'an EC and an RSA key', body);
      }),
  },
  {
    name: 'discovery',
    title: 'Discovery',
    budget: 0,
    prepare: async (target) =>
      repeated(getRequest(target.paths.discovery), ({ body }) => {
        const { issuer } = JSON.parse(body) as { issuer: string };
        demand(issuer === target.issuer, 'its issuer', body);
      }),
  },
  {
    name: 'authorize_exchange',
    title: 'Authorize + exchange',
    budget: 3,
    prepare: async (target) => ({
      journey: async (connection, slot) => {
        await authorizeAndExchange(target, target.client, connection, slot);
      },
      check: async (connection) => {
        const { body } = await authorizeAndExchange(target, target.client, connection, 0);
        requireTokens(target, body);
      },
    }),
  },
];

/** Every connection goes through authorizations of its own, and each time presents the token it got last. */
function refreshing(target: Target, slots: number): Prepared {
  const headers = authenticated(target.client);
  const refresh = async (connection: HttpConnection, token: string) => {
    const form = `grant_type=refresh_token&refresh_token=${token}`;
    const answer = await connection.send(postRequest(target.paths.token, headers, form));
    requireStatus(answer, 200);
    return { answer, successor: /"refresh_token":"([^"]+)"/.exec(answer.body)?.[1] ?? '' };
  };
  const chains = perSlot(target.refreshTokens, slots);
  const turns = new Array<number>(slots).fill(0);
  return {
    journey: async (connection, slot) => {
      const chain = chains[slot] ?? [];
      const turn = (turns[slot] = ((turns[slot] ?? 0) + 1) % chain.length);
      const { successor } = await refresh(connection, chain[turn] ?? '');
      chain[turn] = successor;
    },
    check: async (connection) => {
      const [chain] = chains;
      const before = chain?.[0] ?? '';
      const { answer, successor } = await refresh(connection, before);
      demand(successor !== '' && successor !== before, 'another refresh token', answer.body);
      requireTokens(target, answer.body);
      if (chain) chain[0] = successor;
    },
  };
}

function perSlot<T>(values: readonly T[], slots: number): T[][] {
  const dealt = Array.from({ length: slots }, (): T[] => []);
  for (const [index, value] of values.entries()) dealt[index % slots]?.push(value);
  if (dealt.some((hand) => hand.length === 0)) throw new Error('there are fewer tokens than connections');
  return dealt;
}

async function accessTokens(target: Target, connection: HttpConnection, slots: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let number = 0; number < slots * TOKENS_PER_SLOT; number += 1) {
    const { body } = await authorizeAndExchange(target, target.inspector, connection, number % slots);
    tokens.push((JSON.parse(body) as { access_token: string }).access_token);
  }
  return tokens;
}

/** As a browser that is signed in and a confidential client do it, with a proof key and a nonce of its own each time. */
export async function authorizeAndExchange(
  target: Target,
  client: BenchClient,
  connection: HttpConnection,
  slot: number,
): Promise<HttpAnswer> {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: client.redirectUri,
    scope: SCOPE,
    state: verifier.slice(0, 16),
    nonce: verifier.slice(16, 32),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const cookie = target.sessions[slot % target.sessions.length] ?? '';
  const redirect = await connection.send(getRequest(`${target.paths.authorize}?${query}`, { cookie }));
  requireStatus(redirect, 302, 303);
  const code = /[?&]code=([^&]+)/.exec(headerOf(redirect, 'location') ?? '')?.[1];
  if (code === undefined) throw new Error(`no code was given:\n${redirect.head}`);
  const form = `grant_type=authorization_code&code=${code}&code_verifier=${verifier}&redirect_uri=${encodeURIComponent(client.redirectUri)}`;
  const answer = await connection.send(postRequest(target.paths.token, authenticated(client), form));
  requireStatus(answer, 200);
  return answer;
}

export function repeated(request: string, check: (answer: HttpAnswer) => void): Prepared {
  return inTurn([request], check);
}

function inTurn(requests: readonly string[], check: (answer: HttpAnswer) => void): Prepared {
  let turn = 0;
  const once = async (connection: HttpConnection) => {
    turn = (turn + 1) % requests.length;
    const answer = await connection.send(requests[turn] ?? '');
    requireStatus(answer, 200);
    return answer;
  };
  return {
    journey: async (connection) => {
      await once(connection);
    },
    check: async (connection) => check(await once(connection)),
  };
}

function authenticated(client: BenchClient): Record<string, string> {
  return { authorization: basicOf(client) };
}

function requireTokens(target: Target, body: string): void {
  const answer = JSON.parse(body) as Record<string, unknown>;
  requireAccessToken(target, answer['access_token'], target.client.id);
  demand(typeof answer['refresh_token'] === 'string', 'a refresh token', body);
  demand(
    claimsOf(String(answer['id_token']))['aud'] === target.client.id,
    'an ID token for the client',
    body,
  );
}

/** The same of both: a JWT of RFC 9068 that ES256 signed, for the module. */
function requireAccessToken(target: Target, token: unknown, clientId: string): void {
  const [header = ''] = String(token).split('.');
  const { typ, alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as Record<
    string,
    unknown
  >;
  demand(typ === 'at+jwt' && alg === 'ES256', 'an at+jwt that ES256 signed', String(token));
  const claims = claimsOf(String(token));
  const audience = [claims['aud']].flat();
  demand(
    claims['iss'] === target.issuer && claims['client_id'] === clientId && audience.includes(RESOURCE),
    `a token of ${target.issuer} for ${RESOURCE}`,
    JSON.stringify(claims),
  );
}

function requireStatus(answer: HttpAnswer, ...expected: readonly number[]): void {
  if (!expected.includes(answer.status)) {
    throw new Error(`answered ${answer.status} instead of ${expected.join(' or ')}:\n${answer.body}`);
  }
}

function demand(holds: boolean, what: string, instead: string): void {
  if (!holds) throw new Error(`the answer does not carry ${what}:\n${instead}`);
}
