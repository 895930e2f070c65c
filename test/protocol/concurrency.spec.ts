import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { altered } from '../support/answers.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { claimsOf, World, type Answer, type TestClient } from '../support/world.js';

const ROUNDS = 100;
const MEMBER = 'member@acme.example';

describe('simultaneous requests at two nodes', () => {
  let world: World;
  let node: World;
  let client: TestClient;
  let browser: HttpBrowser;
  let database: Client;

  beforeAll(async () => {
    world = await World.start();
    node = await World.start({ beside: world });
    client = world.client('projects');
    browser = await world.signIn(MEMBER);
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await node.stop();
    await world.stop();
  });

  /** `count` calls at once, every other one to the other node. */
  const atOnce = (count: number, call: (at: World) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => call(index % 2 === 0 ? world : node)));
  const begin = async () => world.exchange(client, await world.code(client, browser));
  const refreshTokenOf = ({ body }: Answer) => String(body['refresh_token']);
  const authorizationOf = ({ body }: Answer) =>
    String(claimsOf(String(body['access_token']))['authorization_id']);
  const row = async (id: string) =>
    (
      await database.query<{ generation: number; state: string }>(
        'SELECT generation, state FROM authorizations WHERE id = $1',
        [id],
      )
    ).rows[0];

  it(`RFC 6749 §4.1.2: of 12 simultaneous exchanges of one code one wins, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const exchange = await world.code(client, browser);
      const answers = await atOnce(12, (at) => at.exchange(client, exchange));
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(1);
      for (const loser of answers.filter(({ status }) => status !== 200)) {
        expect(loser).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      }
      // a code that was used twice ends what it gave (OAuth 2.1 §4.1.3), whoever was first
      const [winner] = winners;
      expect(winner && (await row(authorizationOf(winner)))).toEqual({ generation: 1, state: 'revoked' });
    }
  });

  it(`50 simultaneous refreshes of one token make one step and give one refresh token, ${ROUNDS} times`, async () => {
    let current = await begin();
    const id = authorizationOf(current);
    for (let round = 0; round < ROUNDS; round += 1) {
      const token = refreshTokenOf(current);
      const answers = await atOnce(50, (at) => at.refresh(client, token));
      expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
      expect(new Set(answers.map(refreshTokenOf)).size).toBe(1);
      expect(await row(id)).toEqual({ generation: 2 + round, state: 'active' });
      [current] = answers as [Answer];
      world.clock.advance(30_000);
    }
  }, 60_000);

  it(`a refresh that races a revocation never leaves a live successor, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const first = await begin();
      const token = refreshTokenOf(first);
      const [revoked, ...refreshed] = await Promise.all([
        node.revoke(client, token),
        ...Array.from({ length: 4 }, () => world.refresh(client, token)),
      ]);
      expect(revoked.status).toBe(200);
      for (const answer of [first, ...refreshed.filter(({ status }) => status === 200)]) {
        expect(await world.refresh(client, refreshTokenOf(answer))).toMatchObject({
          status: 400,
          body: { error: 'invalid_grant' },
        });
        expect((await node.introspect(client, String(answer.body['access_token']))).body).toEqual({
          active: false,
        });
      }
      expect(await row(authorizationOf(first))).toMatchObject({ state: 'revoked' });
    }
  });

  it(`a refresh, or an exchange, that races a sign-out never leaves anything alive, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const leaving = await world.signIn(MEMBER);
      const first = await world.exchange(client, await world.code(client, leaving));
      const exchange = await world.code(client, leaving);
      const [, ...answers] = await Promise.all([
        leaving.submit('/sign-out', '/sign-out', {}),
        node.exchange(client, exchange),
        world.refresh(client, refreshTokenOf(first)),
        leaving
          .clone()
          .get(world.authorizationRequest(client).path)
          .then(() => first),
      ]);
      for (const { body, status } of answers) {
        if (status !== 200) continue;
        expect((await world.introspect(client, String(body['access_token']))).body).toEqual({
          active: false,
        });
        expect((await world.refresh(client, String(body['refresh_token']))).status).toBe(400);
      }
    }
  });

  it('more refreshes at once than there are connections, on a node that has just started, are all answered', async () => {
    const tokens = await Promise.all(Array.from({ length: 40 }, async () => refreshTokenOf(await begin())));
    const fresh = await World.start({ beside: world, env: { CORE_AUTH_DATABASE_POOL_SIZE: '4' } });
    const answers = await Promise.all(
      tokens.flatMap((token) => [fresh.refresh(client, token), fresh.refresh(client, token)]),
    );
    await fresh.stop();
    expect(answers.map(({ status }) => status)).toEqual(Array(80).fill(200));
  });

  it('a license that changes in the middle of many refreshes makes none of them hang', async () => {
    const license = world.id('license:acme:projects');
    const tokens = await Promise.all(Array.from({ length: 30 }, async () => refreshTokenOf(await begin())));
    const [answers] = await Promise.all([
      atOnce(60, (at) => at.refresh(client, tokens[Math.floor(Math.random() * tokens.length)] ?? '')),
      world.licenses
        .changeStatus(license, 'suspended', 'test')
        .then(() => world.licenses.changeStatus(license, 'issued', 'test')),
    ]);
    for (const { status, body } of answers) {
      expect([status, body['error']]).toEqual(status === 200 ? [200, undefined] : [400, 'access_denied']);
    }
    expect(
      (await Promise.all(tokens.map((token) => world.refresh(client, token)))).map(({ status }) => status),
    ).toEqual(Array(30).fill(200));
  });

  it('a forged token among many good ones harms none of them', async () => {
    const token = refreshTokenOf(await begin());
    const answers = await atOnce(20, (at) => at.refresh(client, token));
    const forged = await atOnce(20, (at) => at.refresh(client, altered(token)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(forged.every(({ status }) => status === 400)).toBe(true);
    expect((await world.refresh(client, token)).status).toBe(200);
  });
});
