import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync, rmSync } from 'node:fs';
import { BuiltProcess } from '../support/built-process.js';
import { World } from '../support/world.js';
import { Site } from './offline-site/site.js';

jest.setTimeout(120_000);

const MINUTE = 60_000;
const DAY = 86_400_000;
const ISSUER = 'https://auth.example.com';

describe('a module in plain Node.js with a license file, at a site without a network', () => {
  let world: World;
  let site: Site;
  let licenseId: string;
  let keys: string;
  let begin: number;

  beforeAll(async () => {
    world = await World.start();
    keys = await license('keys', 'export');
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    licenseId = await world.license('acme', 'projects', { seatModel: 'named', seatLimit: 10 });
    site = new Site();
    begin = Date.now();
    site.setClock(begin);
    site.write('license-keys.json', keys);
    await issue();
  });
  afterEach(() => site.remove());

  /** The seller's command, which has to succeed. */
  async function license(...args: string[]): Promise<string> {
    const command = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['license', ...args],
      env: {
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
        CORE_AUTH_URL: ISSUER,
      },
    });
    const { code } = await command.ended;
    expect([command.output, code]).toEqual([expect.anything(), 0]);
    return command.output;
  }
  const issue = (...more: string[]) =>
    license(
      ...['issue', '--license', licenseId, '--instance', 'plant-7', '--seats', '2', '--days', '10'],
      ...['--output', site.path('plant-7.jws'), '--force', ...more],
    );
  /** What the module says when it starts, beside `ready`. */
  const started = async () => (await site.start()).output.replace(/^ready$/m, '').trim();

  it('lets in those whom it seats, up to the block of the file, without Nest, PostgreSQL or a call', async () => {
    for (const name of ['@nestjs/common', 'pg'])
      expect(existsSync(site.path('node_modules', name))).toBe(false);
    expect(await started()).toBe('');
    expect(await site.ask('GET', '/work/ann')).toEqual({ status: 403, code: 'SEAT_REQUIRED' });
    expect(await site.ask('PUT', '/seats/ann')).toEqual({ status: 200, code: 'OK', seats: ['ann'] });
    expect(await site.ask('PUT', '/seats/ben')).toMatchObject({ status: 200, code: 'OK' });
    expect(await site.ask('PUT', '/seats/cid')).toMatchObject({ status: 403, code: 'SEATS_EXHAUSTED' });
    expect(await site.ask('GET', '/work/ann')).toEqual({ status: 200, code: 'OK' });
    await site.ask('DELETE', '/seats/ann');
    expect([await site.code('ann'), await site.code('ben'), await site.code('cid')]).toEqual([
      'SEAT_REQUIRED',
      'OK',
      'SEAT_REQUIRED',
    ]);
  });

  it('denies from the end of the file on, while it runs and after a restart, until it gets the next file', async () => {
    await site.start();
    await site.ask('PUT', '/seats/ann');
    site.setClock(begin + 10 * DAY - MINUTE);
    expect(await site.code('ann')).toBe('OK');
    site.setClock(begin + 10 * DAY + MINUTE);
    expect(await site.ask('GET', '/work/ann')).toEqual({
      status: 403,
      code: 'OFFLINE_EXPIRED',
      sentence: 'The license file has expired.',
    });
    expect(await started()).toBe('OFFLINE_EXPIRED: The license file has expired.');
    expect(await site.code('ann')).toBe('OFFLINE_EXPIRED');
    await issue('--days', '20');
    expect(await started()).toBe('');
    expect(await site.code('ann')).toBe('OK');
  });

  it('denies a file in which somebody wrote a larger block, one of another instance and one that is cut off', async () => {
    const [header = '', payload = '', signature = ''] = site.read('plant-7.jws').trim().split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const larger = Buffer.from(JSON.stringify({ ...claims, seat_block: 999 })).toString('base64url');
    for (const forged of [`${header}.${larger}.${signature}`, `${header}.${payload}`, '']) {
      site.write('plant-7.jws', forged);
      expect(await started()).toMatch(/^OFFLINE_BAD_SIGNATURE: [A-Z].*\.$/);
      expect(await site.ask('PUT', '/seats/ann')).toEqual({
        status: 403,
        code: 'OFFLINE_BAD_SIGNATURE',
        seats: [],
      });
    }
    await issue('--instance', 'mill-3');
    expect(await started()).toBe('OFFLINE_WRONG_INSTANCE: It was issued for another instance: mill-3.');
  });

  it('denies once its clock is turned back by more than five minutes, and after a restart too', async () => {
    await site.start();
    await site.ask('PUT', '/seats/ann');
    site.setClock(begin + 5 * DAY);
    expect(await site.code('ann')).toBe('OK');
    site.setClock(begin + 5 * DAY - 4 * MINUTE);
    expect(await site.code('ann')).toBe('OK');
    site.setClock(begin + 4 * DAY);
    expect(await site.ask('GET', '/work/ann')).toEqual({
      status: 403,
      code: 'CLOCK_ROLLBACK',
      sentence: `The clock stands before ${new Date(begin + 5 * DAY).toISOString()}, which has been.`,
    });
    expect(await started()).toMatch(/^CLOCK_ROLLBACK: The clock stands before /);
    site.setClock(begin + 5 * DAY);
    expect(await site.code('ann')).toBe('OK');
  });

  it('cannot be outlived by a clock that was turned back after the end, though the power was cut', async () => {
    await site.start();
    await site.ask('PUT', '/seats/ann');
    site.setClock(begin + 11 * DAY);
    expect(await site.code('ann')).toBe('OFFLINE_EXPIRED');
    await site.kill();
    site.setClock(begin + 9 * DAY);
    expect(await started()).toMatch(/^CLOCK_ROLLBACK/);
    expect(await site.code('ann')).toBe('CLOCK_ROLLBACK');
  });

  it('keeps its seats and marks over a power cut, also in the middle of writing them', async () => {
    await site.start();
    await site.ask('PUT', '/seats/ann');
    await site.kill();
    site.write('plant-7.json.new', site.read('plant-7.json').slice(0, 20));
    expect(await started()).toBe('');
    expect([await site.code('ann'), await site.code('ben')]).toEqual(['OK', 'SEAT_REQUIRED']);
  });

  it('takes the next file with the seats it had, and never the former one again', async () => {
    const former = site.read('plant-7.jws');
    await site.start();
    await site.ask('PUT', '/seats/ann');
    await issue();
    expect(await started()).toBe('');
    expect(await site.code('ann')).toBe('OK');
    site.write('plant-7.jws', former);
    expect(await started()).toBe(
      'CLOCK_ROLLBACK: Number 2 of this file was opened before; this is number 1.',
    );
    expect(await site.code('ann')).toBe('CLOCK_ROLLBACK');
  });

  it.each([
    ['cut off', (text: string) => text.slice(0, -10)],
    ['empty', () => ''],
    ['of another instance', (text: string) => text.replace('plant-7', 'mill-3')],
  ])('lets nobody in by a state file that is %s, and leaves it for whoever looks', async (_, damage) => {
    await site.start();
    await site.ask('PUT', '/seats/ann');
    await site.stop();
    const damaged = damage(site.read('plant-7.json'));
    site.write('plant-7.json', damaged);
    expect(await started()).toMatch(/^CLOCK_ROLLBACK: The state file is damaged, .*new instance name/);
    expect(await site.code('ann')).toBe('CLOCK_ROLLBACK');
    expect(site.read('plant-7.json')).toBe(damaged);
  });

  it('begins anew without its state by a first file alone; a later one needs it, and a new name is the way out', async () => {
    await site.start();
    await site.ask('PUT', '/seats/ann');
    await site.stop();
    rmSync(site.path('plant-7.json'));
    expect(await started()).toBe('');
    expect(await site.code('ann')).toBe('SEAT_REQUIRED');
    await issue();
    await site.stop();
    rmSync(site.path('plant-7.json'));
    expect(await started()).toMatch(/^CLOCK_ROLLBACK: .*\(it is number 2\).*new instance name\.$/);
    expect(existsSync(site.path('plant-7.json'))).toBe(false);
    await issue('--instance', 'plant-7b');
    site.write('module.mjs', site.read('module.mjs').replaceAll("'plant-7'", "'plant-7b'"));
    expect(await started()).toBe('');
    expect(await site.ask('PUT', '/seats/ann')).toMatchObject({ status: 200, code: 'OK' });
  });

  it('that does not have the key of a file says so, and goes on once the keys were carried', async () => {
    site.write('license-keys.json', '{"keys":[]}');
    expect(await started()).toMatch(/^OFFLINE_UNKNOWN_KEY: [A-Z].*\.$/);
    site.write('license-keys.json', keys);
    expect(await started()).toBe('');
  });
});
