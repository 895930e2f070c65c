import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { AdministratorRepository } from '#accounts';
import { OfflineLicenses, SeatLeaseRepository } from '#licensing';
import { Database, sql } from '#platform';
import type { HttpBrowser } from '../support/http-browser.js';
import { World } from '../support/world.js';

jest.setTimeout(60_000);

const DAY = 86_400_000;

describe('seats that are not held by name, on the page of a license', () => {
  let world: World;
  let operator: HttpBrowser;
  let owner: HttpBrowser;
  let floating: string;
  let named: string;
  let foreign: string;
  const path = (license: string) => `/console/licenses/${license}`;

  beforeAll(async () => {
    world = await World.start();
    await world.createPerson('seller@vendor.example', 'Sam Seller', {});
    await world.app.get(AdministratorRepository).setOperator(world.id('seller@vendor.example'), true, 'test');
    floating = await world.license('acme', 'projects', { seatModel: 'floating', seatLimit: 3 });
    named = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 5 });
    foreign = await world.license('globex', 'projects', { seatModel: 'floating', seatLimit: 3 });
    operator = await world.signIn('seller@vendor.example');
    owner = await world.signIn('owner@acme.example');
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    await world.app.get(Database).query(sql`DELETE FROM seat_leases`);
    await world.app.get(Database).query(sql`DELETE FROM offline_grants`);
  });

  const textOf = async (browser: HttpBrowser, address: string) => (await browser.get(address)).text();
  const lease = (licenseId: string, email: string, device: string) =>
    world.app.get(SeatLeaseRepository).acquireLease({ licenseId, userId: world.id(email), device }, 'test');
  const leases = async () =>
    (await world.app.get(Database).query<{ fence: string }>(sql`SELECT fence FROM seat_leases`)).length;
  const issue = (licenseId: string, instance: string, seatBlock = 1) =>
    world.app
      .get(OfflineLicenses)
      .issue({ licenseId, instance, seatBlock, expiresAt: new Date(Date.now() + 10 * DAY) }, 'test');
  const out = async () =>
    (
      await world.app.get(Database).query<{ instance: string }>(sql`
        SELECT instance FROM offline_grants WHERE returned_at IS NULL`)
    ).map(({ instance }) => instance);
  const end = (browser: HttpBrowser, license: string, fence: number | string, page = license) =>
    browser.submit(path(page), `${path(license)}/leases/end`, { fence: String(fence) });
  const form = { instance: 'plant-7', seats: '2', days: '30' };
  const ask = (browser: HttpBrowser, license: string, changes: Partial<typeof form> = {}) =>
    browser.submit(path(license), `${path(license)}/files`, { ...form, ...changes });

  describe('floating seats', () => {
    it('are listed with who holds them, where, and when that was last heard of', async () => {
      const session = randomUUID();
      await lease(floating, 'member@acme.example', session);
      const { fence } = await lease(floating, 'owner@acme.example', 'a desk <b>');
      world.clock.set(new Date());
      await world.app.get(Database).query(sql`
        UPDATE seat_leases SET leased_at = now() - interval '1 hour', expires_at = now() + interval '260 seconds'
         WHERE fence = ${fence}`);
      const text = await textOf(owner, path(floating));
      expect(text).toContain('2 of 3 floating seats in use.');
      expect(text).toMatch(
        new RegExp(`Max Member<.*member@acme.example.*in session ${session.slice(0, 8)}<`, 's'),
      );
      // a lease lasts 300 seconds from when its holder was heard of
      expect(text).toMatch(/Olivia Owner<.*in a desk &lt;b><.*Heard of (39|4\d) s ago;/s);
      expect(text).toContain('aria-label="End the floating seat of Olivia Owner"');
    });

    it('are ended there, with the name of who did it, and only once', async () => {
      const { fence } = await lease(floating, 'member@acme.example', 'a desk');
      const response = await end(owner, floating, fence);
      expect([response.status, response.headers.get('location')]).toEqual([
        303,
        `${path(floating)}?done=ended`,
      ]);
      expect(await leases()).toBe(0);
      const text = await textOf(owner, `${path(floating)}?done=ended`);
      expect(text).toContain('The floating seat was ended.');
      expect(text).toMatch(/Floating seat given back: Max Member<\/span>.{0,200} by Olivia Owner/);
      const again = await end(owner, floating, fence);
      expect(again.status).toBe(404);
      expect(await again.text()).toMatch(/Nothing was changed.*Nobody holds this lease any more/s);
    });

    it('of one license are not ended from the page of another, nor by a stranger or a forged form', async () => {
      const { fence } = await lease(foreign, 'admin@globex.example', 'a desk');
      expect((await end(owner, foreign, fence, floating)).status).toBe(404);
      expect((await end(owner, floating, fence)).status).toBe(404);
      const member = await world.signIn('member@acme.example');
      const own = await lease(floating, 'member@acme.example', 'a desk');
      const asMember = await member.submit('/', `${path(floating)}/leases/end`, { fence: String(own.fence) });
      expect(asMember.status).toBe(403);
      const bare = { fence: String(own.fence) };
      expect((await owner.post(`${path(floating)}/leases/end`, bare)).status).toBe(403);
      expect((await owner.post(`${path(floating)}/leases/end`, { ...bare, csrf_token: 'x' })).status).toBe(
        403,
      );
      for (const wrong of ['', 'x', '-1', '9'.repeat(16)]) {
        expect([wrong, (await end(owner, floating, wrong)).status]).toEqual([wrong, 400]);
      }
      expect(await leases()).toBe(2);
    });
  });

  it('a seat that is kept for an invitation stands among the others, with whom it is kept for', async () => {
    const { id } = await invited('new@acme.example');
    const text = await textOf(owner, path(named));
    expect(text).toContain('1 of 5 seats in use.');
    expect(text).toMatch(/new@acme\.example<.*Kept for the invitation until/s);
    await world.app.get(Database).query(sql`DELETE FROM seat_reservations WHERE invitation_id = ${id}`);
  });

  async function invited(email: string): Promise<{ id: string }> {
    const id = randomUUID();
    await world.app.get(Database).query(sql`
      WITH invitation AS (
        INSERT INTO invitations (id, organization_id, email, role, invited_by, created_at, expires_at, mails_sent)
        VALUES (${id}, ${world.id('acme')}, ${email}, 'member', 'test', now(), now() + interval '7 days', 1)
      )
      INSERT INTO seat_reservations (license_id, invitation_id, created_at, expires_at)
      VALUES (${named}, ${id}, now(), now() + interval '7 days')`);
    return { id };
  }

  describe('license files', () => {
    it('are listed with their state: out, replaced, returned, ended', async () => {
      await issue(named, 'ship');
      await issue(named, 'ship', 2);
      const { grant } = await issue(named, 'barge');
      await world.app.get(OfflineLicenses).return(grant.id, 'test');
      const { grant: old } = await issue(named, 'raft');
      await world.app.get(Database).query(sql`
        UPDATE offline_grants SET issued_at = now() - interval '2 days', expires_at = now() - interval '1 second'
         WHERE id = ${old.id}`);
      world.clock.set(new Date());
      const text = await textOf(owner, path(named));
      expect(text).toContain('2 of 5 seats in use, 2 of them away with license files');
      const states = [...text.matchAll(/(ship|barge|raft), number (\d) <span class="[^"]*">([^<]*)</g)];
      expect(states.map(([, instance, number, state]) => `${instance} ${number} ${state}`).sort()).toEqual([
        'barge 1 Returned',
        'raft 1 Ended',
        'ship 1 Replaced by number 2',
        'ship 2 Out',
      ]);
      // an owner sees them, and the operator alone issues and returns
      expect(/Issue and download|>\s*Return\s*</.test(text)).toBe(false);
      const asOperator = await textOf(operator, path(named));
      expect(asOperator).toContain('Issue and download');
      expect(asOperator.match(/aria-label="Return number \d of \w+"/g)).toEqual([
        'aria-label="Return number 2 of ship"',
      ]);
    });

    it('are issued by an operator, who gets the file itself under a name that says what it is', async () => {
      const response = await ask(operator, named);
      expect([response.status, response.headers.get('content-disposition')]).toEqual([
        200,
        'attachment; filename="plant-7-1.jws"',
      ]);
      expect(response.headers.get('cache-control')).toBe('no-store');
      const [, claims = ''] = (await response.text()).split('.');
      expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
        aud: 'plant-7',
        seat_block: 2,
        seq: 1,
      });
      const text = await textOf(operator, path(named));
      expect(text).toMatch(/plant-7, number 1 <span[^>]*>Out</);
      expect(text).toMatch(/License file issued: number 1 for plant-7<\/span>.{0,200} by Sam Seller/);
    });

    it('that cannot be issued are refused on the page, which keeps what was typed', async () => {
      for (const [changes, status, problem] of [
        [{ instance: 'a b"' }, 400, 'An instance is named by 1 to 128 letters'],
        [{ instance: '' }, 400, 'An instance is named by 1 to 128 letters'],
        [{ seats: '' }, 400, 'Say how many seats go with the file'],
        [{ seats: '6' }, 403, 'ask for 5 at most'],
        [{ days: 'ever' }, 400, 'Say for how many days'],
        [{ days: '0' }, 400, 'A license file ends after it is issued'],
        [{ days: '401' }, 400, 'A license file holds for 400 days at most'],
      ] as const) {
        const response = await ask(operator, named, changes);
        const text = await response.text();
        expect([changes, response.status, text.includes(problem)]).toEqual([changes, status, true]);
        expect(text).toMatch(/Nothing was changed/);
        for (const typed of Object.values({ ...form, ...changes }).filter(Boolean)) {
          expect(text).toContain(`value="${typed.replace('"', '&quot;')}"`);
        }
      }
      expect(await out()).toEqual([]);
    });

    it('are taken back by an operator, from the page of their license alone', async () => {
      const { grant } = await issue(named, 'ship');
      const back = (browser: HttpBrowser, license: string, id: string) =>
        browser.submit(path(license), `${path(license)}/files/return`, { grant: id });
      expect((await back(operator, floating, grant.id)).status).toBe(404);
      expect(await out()).toEqual(['ship']);
      const response = await back(operator, named, grant.id);
      expect(response.headers.get('location')).toBe(`${path(named)}?done=returned`);
      expect(await out()).toEqual([]);
      expect(await textOf(operator, `${path(named)}?done=returned`)).toContain('its seats are back');
      const again = await back(operator, named, grant.id);
      expect(again.status).toBe(409);
      expect(await again.text()).toContain('was returned already');
      expect((await back(operator, named, 'x')).status).toBe(400);
    });

    it('are neither issued nor taken back by an owner, or by a form that another site has sent', async () => {
      const { grant } = await issue(named, 'ship');
      const refused = await ask(owner, named);
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain('by the operators of this service');
      expect(
        (await owner.submit(path(named), `${path(named)}/files/return`, { grant: grant.id })).status,
      ).toBe(403);
      expect((await operator.post(`${path(named)}/files`, form)).status).toBe(403);
      expect((await operator.post(`${path(named)}/files/return`, { grant: grant.id })).status).toBe(403);
      expect(await out()).toEqual(['ship']);
    });

    it('are shown to nobody who may not see who sits', async () => {
      await world.createPerson('billing@acme.example', 'Bo Billing', { acme: 'billing' });
      await lease(floating, 'member@acme.example', 'a desk');
      await issue(floating, 'ship');
      const text = await textOf(await world.signIn('billing@acme.example'), path(floating));
      expect(/License files|Max Member|ship/.test(text)).toBe(false);
    });
  });
});
