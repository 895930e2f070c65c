import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { EventStream } from '#events';
import { LONGEST_FILE_DAYS } from '@core-auth/module-kit/offline';
import { MAX_LIFETIME } from '#oauth';
import {
  AccessTokens,
  KEY_KINDS,
  KeySchedule,
  LONGEST_TOKEN,
  OpaqueAccessTokens,
  OpaqueTokens,
} from '#tokens';
import { Sweeper } from '../../apps/server/sweeper.js';
import { Deployment, jwks, kidOf, MAC, machineToken, MINUTE } from '../support/deployment.js';
import { World } from '../support/world.js';

jest.setTimeout(120_000);

const DAY = 24 * 60 * MINUTE;

/** A client that keeps a JWKS as long as it may: it has every one that it might still hold at this moment. */
class CachingClient {
  private cached: { keys: ReturnType<typeof createLocalJWKSet>; until: number }[] = [];

  async fetchFrom(node: World, now: number): Promise<void> {
    const { maxAge, ...set } = await jwks(node);
    this.cached.push({ keys: createLocalJWKSet(set), until: now + maxAge });
  }

  /** @returns how many JWKS it was verified with */
  async verify(token: string, now: number): Promise<number> {
    this.cached = this.cached.filter(({ until }) => until >= now);
    for (const { keys } of this.cached) await jwtVerify(token, keys, { currentDate: new Date(now) });
    return this.cached.length;
  }
}

async function person(deployment: Deployment) {
  const [world] = deployment.nodes;
  const client = world.client('projects');
  const browser = await world.signIn('member@acme.example');
  const code = () => world.code(client, browser, { scope: 'openid offline_access projects:read' });
  return { client, code };
}

describe('key rotation with no failed verification', () => {
  it('no token may live longer than the key that it was made with verifies', () => {
    expect(LONGEST_TOKEN).toEqual({
      signing: MAX_LIFETIME.accessToken,
      encryption: MAX_LIFETIME.accessToken,
      mac: MAX_LIFETIME.refreshToken,
      license: LONGEST_FILE_DAYS * 86_400,
    });
  });

  it.each(['heard of it', 'heard nothing'])(
    'OIDC Core §10.1.1: under load, through publish, wait, sign and retire, every token verifies with every JWKS that a client may still hold; the other node %s',
    async (hearing) => {
      const deployment = await Deployment.start();
      const [, other] = deployment.nodes;
      // an event that is lost: only its reading of every minute is left to this node
      if (hearing === 'heard nothing') await other.app.get(EventStream).beforeApplicationShutdown();
      const { client, code } = await person(deployment);
      let latest = await other.exchange(client, await code());
      const caching = new CachingClient();
      const used = new Map<string, Set<string | undefined>>(
        ['access_token', 'id_token', 'refresh_token', 'opaque'].map((name) => [name, new Set()]),
      );
      const opaque: string[] = [];

      const minute = async (index: number) => {
        for (const node of deployment.nodes) await caching.fetchFrom(node, deployment.now);
        const [machine, machineToo, refreshed] = await Promise.all([
          machineToken(deployment.node(index), client),
          machineToken(deployment.node(index + 1), client),
          deployment.node(index).refresh(client, String(latest.body['refresh_token'])),
        ]);
        expect([machine.status, machineToo.status, refreshed.status]).toEqual([200, 200, 200]);
        latest = refreshed;
        for (const answer of [machine, machineToo, refreshed]) {
          const token = String(answer.body['access_token']);
          expect(await caching.verify(token, deployment.now)).toBeGreaterThan(0);
          used.get('access_token')?.add(kidOf(token));
          // the other node reads it too
          expect((await deployment.node(index + 1).introspect(client, token)).body['active']).toBe(true);
        }
        await caching.verify(String(refreshed.body['id_token']), deployment.now);
        used.get('id_token')?.add(kidOf(refreshed.body['id_token']));
        used.get('refresh_token')?.add(String(refreshed.body['refresh_token']).split('.')[0]);
        const claims = await other.app.get(AccessTokens).verify(String(machine.body['access_token']));
        if (!claims) throw new Error('its own token is unknown to the node');
        opaque.push(await deployment.node(index).app.get(OpaqueAccessTokens).seal(claims));
        for (const [back, text] of opaque.slice(-10).reverse().entries()) {
          used.get('opaque')?.add(kidOf(text));
          const opened = await deployment
            .node(index + 1)
            .app.get(OpaqueAccessTokens)
            .open(text);
          expect([back, opened?.jti]).toEqual([back, expect.any(String)]);
        }
        deployment.advance(MINUTE);
        await deployment.look();
      };

      for (let index = 0; index < 6; index += 1) await minute(index);
      const before = await Promise.all(KEY_KINDS.map((kind) => deployment.signer(kind)));
      const rotations = await Promise.all(KEY_KINDS.map((kind) => deployment.rotate(kind)));
      expect(rotations.map(({ published }) => published)).toEqual([true, true, true, true, true]);
      const added = rotations.flatMap((rotation) => (rotation.published ? [rotation.kid] : []));
      for (let index = 0; index < 22; index += 1) {
        await minute(index);
        // a minute later every node shows it, whatever it has heard, long before it signs
        for (const node of deployment.nodes) {
          const shown = (await jwks(node)).keys.map(({ kid }) => kid);
          expect(shown).toEqual(expect.arrayContaining(added.slice(0, 2)));
        }
      }
      // each ring has changed over meanwhile
      expect([...used.values()].map((kids) => kids.size)).toEqual([2, 1 + 1, 2, 2]);
      expect(await Promise.all(KEY_KINDS.map((kind) => deployment.signer(kind)))).not.toEqual(before);

      // what was signed last by a key is verified until it expires, by whatever the server shows then
      const published = rotations.flatMap((rotation) => (rotation.published ? [rotation] : []));
      const [es256] = published;
      const firstSignature = es256?.signsFrom.getTime() ?? 0;
      deployment.advance(firstSignature + LONGEST_TOKEN.signing * 1000 - deployment.now);
      await deployment.look();
      for (const node of deployment.nodes) {
        expect((await jwks(node)).keys.map(({ kid }) => kid)).toEqual(
          expect.arrayContaining([before[0], es256?.kid]),
        );
      }
      deployment.advance(2 * 60 * MINUTE);
      for (const node of deployment.nodes) {
        expect((await jwks(node)).keys.map(({ kid }) => kid)).not.toContain(before[0]);
      }
      await deployment.nodes[0].app.get(Sweeper).sweep();
      const deleted = (await deployment.audited('key.delete')).map(({ target }) => target);
      // two signing keys and the encryption key; refresh tokens and license files live on, and with them their keys
      expect(deleted.sort()).toEqual([before[0], before[1], before[3]].sort());
      expect((await machineToken(other, client)).status).toBe(200);
      await deployment.stop();
    },
  );

  describe('on two nodes', () => {
    let deployment: Deployment;

    beforeAll(async () => {
      deployment = await Deployment.start({
        logStatements: true,
        env: { CORE_AUTH_KEY_ROTATION_DAYS: '30' },
      });
    });
    afterAll(() => deployment.stop());

    it.each(KEY_KINDS)(
      '20 simultaneous rotations of $purpose $algorithm publish exactly one key, told and audited once',
      async (kind) => {
        const audited = (await deployment.audited('key.publish')).length;
        const told = async () =>
          (await deployment.rows("SELECT FROM outbox WHERE kind = 'keys-changed'")).length;
        const toldBefore = await told();
        const rotations = await Promise.all(
          Array.from({ length: 20 }, (_, index) => deployment.rotate(kind, index)),
        );
        const winners = rotations.flatMap((rotation) => (rotation.published ? [rotation.kid] : []));
        expect(winners).toHaveLength(1);
        expect((await deployment.audited('key.publish')).slice(audited)).toEqual([
          { target: winners[0], actor: 'test' },
        ]);
        expect(await told()).toBe(toldBefore + 1);
        // while the published one waits, no other is added
        expect(await deployment.rotate(kind, 1)).toMatchObject({
          published: false,
          waiting: { kid: winners[0], state: 'published' },
        });
      },
    );

    it('codes and refresh tokens that were minted before, during and after a rotation work at both nodes', async () => {
      await deployment.settled();
      deployment.advance(30 * MINUTE);
      const { client, code } = await person(deployment);
      const [world, other] = deployment.nodes;
      const old = await deployment.signer(MAC);
      const first = await world.exchange(client, await code());
      const early = await code();
      const rotation = await deployment.rotate(MAC, 1);
      if (!rotation.published) throw new Error('nothing was published');
      await deployment.settled();
      const during = await code();
      deployment.advance(rotation.signsFrom.getTime() - deployment.now - 1);
      const last = await code();
      expect([early, during, last].map((each) => each.code.split('.')[0])).toEqual([old, old, old]);
      deployment.advance(1);
      const after = await code();
      expect(after.code.split('.')[0]).toBe(rotation.kid);
      for (const [index, each] of [early, during, last, after].entries()) {
        expect(await deployment.node(index + 1).exchange(client, each)).toMatchObject({ status: 200 });
      }
      // the refresh token of before, as late as it may come
      deployment.advance((LONGEST_TOKEN.mac - 3600) * 1000);
      await deployment.look();
      const refreshed = await other.refresh(client, String(first.body['refresh_token']));
      expect(refreshed).toMatchObject({ status: 200 });
      expect(await world.refresh(client, String(refreshed.body['refresh_token']))).toMatchObject({
        status: 200,
      });
    });

    it('a refresh token that was minted just before a key took over is minted again as the same text just after', async () => {
      await deployment.look();
      const mint = (node: World, at?: Date) =>
        node.app.get(OpaqueTokens).mint(
          'refresh_token',
          {
            authorizationId: '01234567-89ab-4cde-8f01-23456789abcd',
            generation: 3,
            rowSecret: Buffer.alloc(16, 7),
          },
          at,
        );
      const [world, other] = deployment.nodes;
      deployment.advance(30 * MINUTE);
      const rotation = await deployment.rotate(MAC);
      if (!rotation.published) throw new Error('nothing was published');
      await deployment.look();
      deployment.advance(rotation.signsFrom.getTime() - deployment.now - 4000);
      const rotatedAt = world.clock.now();
      const minted = mint(world);
      deployment.advance(8000);
      expect(mint(other)).not.toBe(minted);
      expect(mint(other, rotatedAt)).toBe(minted);
      expect(mint(world, rotatedAt)).toBe(minted);
    });

    it('by schedule: keys that have signed for the days of CORE_AUTH_KEY_ROTATION_DAYS are followed by one key each, however many nodes look', async () => {
      deployment.advance(31 * DAY);
      await deployment.look();
      deployment.advance(30 * DAY);
      // each has signed for some minutes less than that
      const before = (await deployment.audited('key.publish')).length;
      await deployment.look();
      expect((await deployment.audited('key.publish')).slice(before)).toEqual([]);
      deployment.advance(20 * MINUTE);
      const off = await World.start({
        beside: deployment.nodes[0],
        env: { CORE_AUTH_KEY_ROTATION_DAYS: '0' },
      });
      await off.app.get(KeySchedule).look();
      expect((await deployment.audited('key.publish')).slice(before)).toEqual([]);
      await off.stop();
      await Promise.all([deployment.look(), deployment.look()]);
      const published = (await deployment.audited('key.publish')).slice(before);
      expect(published.map(({ actor }) => actor)).toEqual(Array(published.length).fill('system'));
      const waiting = (await deployment.keys()).filter(({ state }) => state === 'published');
      expect(published.map(({ target }) => target).sort()).toEqual(waiting.map(({ kid }) => kid).sort());
      expect(waiting.map(({ algorithm }) => algorithm).sort()).toEqual([
        'A256GCM',
        'ES256',
        'HS256',
        'RS256',
      ]);
    });

    it('made-up key ids make a node read the keys once in five seconds, and stay refused', async () => {
      const [world, other] = deployment.nodes;
      await deployment.upToDate();
      const client = world.client('projects');
      const token = String((await machineToken(world, client)).body['access_token']);
      const [, payload, signature] = token.split('.');
      const forged = (kid: string) =>
        [
          Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url'),
          payload,
          signature,
        ].join('.');
      const sealed = (kid: string) =>
        [
          Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwe', kid })).toString(
            'base64url',
          ),
          '',
          'AAAA',
          'AAAA',
          'AAAA',
        ].join('.');
      const refresh = (kid: string) => `${kid}.${'A'.repeat(22)}.1.${'A'.repeat(22)}.${'A'.repeat(43)}`;
      const readings = async (round: number) => {
        world.database.statements.clear();
        const answers = await Promise.all(
          Array.from({ length: 45 }, (_, index) => {
            const text = [forged, sealed, refresh][index % 3]?.(`made-up-${round}-${index}`) ?? '';
            return other.introspect(client, text);
          }),
        );
        for (const { status, body } of answers) expect([status, body]).toEqual([200, { active: false }]);
        return world.database.statements.take().filter(({ text }) => /FROM keys\b/.test(text)).length;
      };
      deployment.advance(10_000);
      expect(await readings(1)).toBe(1);
      expect(await readings(2)).toBe(0);
      deployment.advance(4999);
      expect(await readings(3)).toBe(0);
      deployment.advance(1);
      expect(await readings(4)).toBe(1);
    });
  });
});
