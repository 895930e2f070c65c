import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStream } from '#events';
import { KeyRotation } from '#tokens';
import { Deployment, ES256, jwks, kidOf, machineToken, MINUTE } from '../support/deployment.js';
import type { TestClient, World } from '../support/world.js';

jest.setTimeout(60_000);

describe('revocation of a key', () => {
  let deployment: Deployment;
  let client: TestClient;

  beforeAll(async () => {
    deployment = await Deployment.start();
    client = deployment.nodes[0].client('projects');
  });
  afterAll(() => deployment.stop());

  const revoke = (kid: string, node = 0) => deployment.node(node).app.get(KeyRotation).revoke(kid, 'test');
  const active = async (node: World, token: string) => (await node.introspect(client, token)).body['active'];

  it('from then on a signing key verifies nothing at any node and another signs at once; of ten who revoke, one does', async () => {
    const [world, other] = deployment.nodes;
    const kid = await deployment.signer(ES256);
    const token = String((await machineToken(other, client)).body['access_token']);
    expect(await active(world, token)).toBe(true);
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, index) => revoke(kid, index)));
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['replaced', ...Array(9).fill('unknown')]);
    await deployment.settled();
    for (const node of deployment.nodes) {
      expect(await active(node, token)).toBe(false);
      expect((await jwks(node)).keys.map((key) => key.kid)).not.toContain(kid);
      const next = String((await machineToken(node, client)).body['access_token']);
      expect(kidOf(next)).toBe(await deployment.signer(ES256));
      expect(await active(deployment.node(node === world ? 1 : 0), next)).toBe(true);
    }
    expect(await deployment.audited('key.revoke')).toEqual([{ target: kid, actor: 'test' }]);
    // modules are told, and refuse what it signed without fetching the JWKS first
    expect(await deployment.rows("SELECT subject FROM outbox WHERE kind = 'key-revoked'")).toEqual([
      { subject: kid },
    ]);
    expect(await revoke(kid)).toEqual({ outcome: 'unknown' });
  });

  it('a key that is only published is published anew, and who signs meanwhile verifies as long as before', async () => {
    const signer = await deployment.signer(ES256);
    const rotation = await deployment.rotate(ES256);
    if (!rotation.published) throw new Error('nothing was published');
    deployment.advance(10 * MINUTE);
    expect(await revoke(rotation.kid)).toMatchObject({
      outcome: 'replaced',
      successor: { state: 'published' },
    });
    await deployment.settled();
    expect(await deployment.signer(ES256)).toBe(signer);
    const [next, present] = (await deployment.keys()).filter(({ algorithm }) => algorithm === 'ES256');
    expect(next?.signsFrom.getTime()).toBe(rotation.signsFrom.getTime() + 10 * MINUTE);
    expect(present?.verifiesUntil?.getTime()).toBe(rotation.predecessorUntil.getTime() + 10 * MINUTE);
  });

  it('a key that signs no more is deleted, and its successor goes on', async () => {
    const old = await deployment.signer(ES256);
    const token = String((await machineToken(deployment.node(0), client)).body['access_token']);
    deployment.advance(20 * MINUTE);
    const signer = await deployment.signer(ES256);
    expect(signer).not.toBe(old);
    expect(await active(deployment.node(1), token)).toBe(true);
    expect(await revoke(old)).toMatchObject({ outcome: 'deleted' });
    await deployment.settled();
    expect(await active(deployment.node(1), token)).toBe(false);
    expect(await deployment.signer(ES256)).toBe(signer);
    expect(await deployment.rotate(ES256)).toMatchObject({ published: true });
  });

  it('revocation and rotation at the same moment leave one key that signs and one that is newest', async () => {
    for (let round = 0; round < 10; round += 1) {
      deployment.advance(30 * MINUTE);
      const kid = await deployment.signer(ES256);
      const [revoked] = await Promise.all([revoke(kid, round), deployment.rotate(ES256, round + 1)]);
      expect(revoked.outcome).toBe('replaced');
      const keys = (await deployment.keys()).filter(({ algorithm }) => algorithm === 'ES256');
      expect(keys.filter(({ state }) => state === 'signs')).toHaveLength(1);
      expect(keys.filter(({ verifiesUntil }) => verifiesUntil === null)).toHaveLength(1);
      expect(keys.map((key) => key.kid)).not.toContain(kid);
    }
  });

  it('a node that has not heard of a new key yet reads it at the first token that it signed', async () => {
    const [world, other] = deployment.nodes;
    deployment.advance(10_000);
    await other.app.get(EventStream).beforeApplicationShutdown();
    await revoke(await deployment.signer(ES256));
    const signer = await deployment.signer(ES256);
    let token = '';
    while (token === '' || kidOf(token) !== signer) {
      token = String((await machineToken(world, client)).body['access_token']);
      await sleep(20);
    }
    expect((await jwks(other)).keys.map(({ kid }) => kid)).not.toContain(signer);
    expect(await active(other, token)).toBe(true);
  });
});
