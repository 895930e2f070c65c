import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { OfflineLicense } from '@core-auth/module-kit/offline';
import { OfflineLicenses, SeatRepository } from '#licensing';
import { World } from '../support/world.js';

jest.setTimeout(60_000);

const DAY = 86_400_000;
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a license file, from two nodes to an instance without a network', () => {
  let world: World;
  let other: World;
  let keys: JSONWebKeySet;
  let licenseId: string;
  const folder = mkdtempSync(join(tmpdir(), 'core-auth-offline-'));

  beforeAll(async () => {
    world = await World.start();
    other = await World.start({ beside: world });
    keys = (await (await fetch(`${world.url}/.well-known/core-auth-license-keys`)).json()) as JSONWebKeySet;
    licenseId = await world.license('acme', 'projects', { seatModel: 'named', seatLimit: 10 });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await other.stop();
    await world.stop();
  });

  const issue = (instance: string, seatBlock = 0, node = world, days = 30) =>
    node.app
      .get(OfflineLicenses)
      .issue({ licenseId, instance, seatBlock, expiresAt: new Date(Date.now() + days * DAY) }, 'test');
  const opened = (file: string, instance: string, state: string = randomUUID(), at = 0) =>
    OfflineLicense.open({
      file,
      instance,
      keys,
      issuer: world.env['CORE_AUTH_URL'] ?? '',
      state: join(folder, state),
      now: () => new Date(Date.now() + at),
    });
  const question = (userId: string | null) => ({ userId, module: 'projects', environment: 'production' });
  const code = async (...args: Parameters<typeof opened>) => (await opened(...args)).denial?.code;

  it('its key is in the public license keys and never in the JWKS of tokens', async () => {
    const tokens = (await (await fetch(`${world.url}/oauth2/jwks`)).json()) as JSONWebKeySet;
    expect(keys.keys).toEqual([expect.objectContaining({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' })]);
    expect(keys.keys[0]).not.toHaveProperty('d');
    expect(tokens.keys.map(({ kid }) => kid)).not.toContain(keys.keys[0]?.kid);
  });

  it('lets those in whom the instance has seated in the block, up to the block, also after a restart', async () => {
    const { file, grant } = await issue('plant', 1);
    const license = await opened(file, 'plant', 'plant');
    // who sits here, and what other instances took along, is no matter of this one
    expect(license.claims?.license.licenses).toMatchObject([{ seats: [], offlineBlocks: [] }]);
    expect(license.decide(question('ann')).code).toBe('SEAT_REQUIRED');
    expect([license.assignSeat('ann'), license.assignSeat('ann'), license.assignSeat('ben')]).toEqual([
      'OK',
      'OK',
      'SEATS_EXHAUSTED',
    ]);
    const again = await opened(file, 'plant', 'plant');
    expect(again.decide(question('ann'))).toMatchObject({ code: 'OK', licenseId });
    expect(again.decide(question('ben')).allow).toBe(false);
    expect([again.releaseSeat('ann'), again.assignSeat('ben')]).toEqual(['OK', 'OK']);
    await world.app.get(OfflineLicenses).return(grant.id, 'test');
  });

  it('hard case 9: denies each forgery, misplacement, step back and end by its own code', async () => {
    const { file } = await issue('mill');
    const [header = '', payload = '', signature = ''] = file.split('.');
    const [key] = keys.keys;
    const head = (alg: string) => encode({ alg, typ: 'core-auth-license+jwt', kid: key?.kid });
    const hmac = `${head('HS256')}.${payload}`;
    const es256 = `${head('ES256')}.${payload}`;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const stranger = encode({ alg: 'EdDSA', typ: 'core-auth-license+jwt', kid: 'stranger' });
    const client = world.client('projects');
    const browser = await world.signIn('member@acme.example');
    const tokens = (await world.exchange(client, await world.code(client, browser))).body;
    const bad = [
      `${hmac}.${createHmac('sha256', String(key?.['x'])).update(hmac).digest('base64url')}`,
      `${head('none')}.${payload}.`,
      `${es256}.${sign('sha256', Buffer.from(es256), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`,
      `${header}.${encode({ ...claims, seat_block: 999 })}.${signature}`,
      String(tokens['id_token']),
      String(tokens['access_token']),
    ];
    for (const forged of bad) expect(await code(forged, 'mill')).toBe('OFFLINE_BAD_SIGNATURE');
    expect(await code(`${stranger}.${payload}.${signature}`, 'mill')).toBe('OFFLINE_UNKNOWN_KEY');
    expect(await code(file, 'another')).toBe('OFFLINE_WRONG_INSTANCE');
    expect(await code(file, 'mill', 'late', 31 * DAY)).toBe('OFFLINE_EXPIRED');
    expect(await code(file, 'mill', 'mill', DAY)).toBeUndefined();
    expect(await code(file, 'mill', 'mill', DAY - 290_000)).toBeUndefined();
    expect(await code(file, 'mill', 'mill', DAY - 400_000)).toBe('CLOCK_ROLLBACK');
    const later = await issue('mill');
    expect(later.grant.sequence).toBe(2);
    expect(await code(later.file, 'mill', 'mill', DAY)).toBeUndefined();
    expect(await code(file, 'mill', 'mill', DAY)).toBe('CLOCK_ROLLBACK');
    expect(await code(later.file, 'mill', 'a state that is gone')).toBe('CLOCK_ROLLBACK');
  });

  it('raced from two nodes, blocks never pass the limit; one that is returned is free once, and only by its last jti', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => issue(`race-${index}`, 4, index % 2 ? other : world)),
    );
    const won = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value.grant] : []));
    expect(won).toHaveLength(2);
    await expect(issue('more', 3)).rejects.toMatchObject({ code: 'SEATS_EXHAUSTED' });
    const [first] = won;
    const next = await issue(first?.instance ?? '', 5);
    expect(next.grant.sequence).toBe(2);
    const giveBack = (id: string) => world.app.get(OfflineLicenses).return(id, 'test');
    await expect(giveBack(first?.id ?? '')).rejects.toMatchObject({ status: 409, code: 'grant_superseded' });
    const returns = await Promise.allSettled([1, 2, 3].map(() => giveBack(next.grant.id)));
    expect(returns.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(giveBack(next.grant.id)).rejects.toMatchObject({ status: 409, code: 'grant_returned' });
    expect((await issue('more', 6)).grant.seatBlock).toBe(6);
  });

  it('hard case 9: a block of 4 out of 10 leaves exactly 6 online, whoever comes at once on whichever node', async () => {
    const license = await world.license('globex', 'projects', { seatModel: 'named', seatLimit: 10 });
    const expiresAt = new Date(Date.now() + 30 * DAY);
    const { grant } = await world.app
      .get(OfflineLicenses)
      .issue({ licenseId: license, instance: 'ship', seatBlock: 4, expiresAt }, 'test');
    const people: string[] = [];
    for (let number = 0; number < 12; number += 1) {
      const email = `sailor-${number}@globex.example`;
      await world.createPerson(email, 'Sam Sailor', { globex: 'member' });
      people.push(world.id(email));
    }
    const come = (index: number) =>
      (index % 2 ? other : world).app.get(SeatRepository).assignSeat(license, people[index] ?? '', 'test');
    const outcomes = await Promise.allSettled(people.map((_, index) => come(index)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'SEATS_EXHAUSTED' });
    await world.app.get(OfflineLicenses).return(grant.id, 'test');
    const late = await Promise.allSettled(people.map((_, index) => come(index)));
    expect(late.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  });
});
