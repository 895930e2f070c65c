import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { AdministratorRepository } from '#accounts';
import {
  CatalogRepository,
  LicenseRepository,
  LicenseTermsRepository,
  OfflineLicenses,
  SeatRepository,
  UsageRepository,
} from '#licensing';
import { Database, sql } from '#platform';
import type { HttpBrowser } from '../support/http-browser.js';
import { World } from '../support/world.js';

describe('/console/licenses', () => {
  let world: World;
  let operator: HttpBrowser;
  let owner: HttpBrowser;
  let acme: string;
  let globex: string;
  const path = (license: string) => `/console/licenses/${license}`;

  beforeAll(async () => {
    world = await World.start();
    await world.createPerson('seller@vendor.example', 'Sam Seller', {});
    await world.app.get(AdministratorRepository).setOperator(world.id('seller@vendor.example'), true, 'test');
    await world.createPerson('billing@acme.example', 'Bo Billing', { acme: 'billing' });
    acme = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
    globex = await world.license('globex', 'reports', { seatModel: 'named', seatLimit: 1 });
    operator = await world.signIn('seller@vendor.example');
    owner = await world.signIn('owner@acme.example');
  }, 60_000);
  afterAll(() => world.stop());
  beforeEach(async () => {
    await world.app
      .get(Database)
      .query(sql`UPDATE seat_assignments SET released_at = now() WHERE released_at IS NULL`);
  });

  const pageOf = async (browser: HttpBrowser, address: string) => {
    const response = await browser.get(address);
    return { status: response.status, text: await response.text() };
  };
  const seats = async () => {
    const rows = await world.app.get(Database).query<{ seat: string }>(sql`
      SELECT license_id || ' ' || user_id AS seat FROM seat_assignments WHERE released_at IS NULL`);
    return rows.map(({ seat }) => seat);
  };
  const assign = (browser: HttpBrowser, license: string, email: string) =>
    browser.submit(path(license), `${path(license)}/seats`, { user_id: world.id(email) });

  it('sends who is not signed in to sign in, and back', async () => {
    const response = await world.browser().get(path(acme));
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      `/sign-in?${new URLSearchParams({ return_to: path(acme) })}`,
    ]);
  });

  it('shows an operator the licenses of every organization, and what ends soon before them', async () => {
    await world.license('globex', 'projects', {
      endsAt: new Date(world.clock.now().getTime() + 5 * 86_400_000),
    });
    const { status, text } = await pageOf(operator, '/console/licenses');
    expect(status).toBe(200);
    expect(text).toContain('Reports for Acme Corporation');
    expect(text).toContain('Reports for Globex');
    expect(text.indexOf('Ends within 60 days')).toBeGreaterThan(0);
    expect(text.indexOf('Projects for Globex')).toBeLessThan(text.indexOf('All licenses'));
  });

  it('finds licenses by a part of the organization’s name, and says so when there is none', async () => {
    const { text } = await pageOf(operator, '/console/licenses?q=GLOB');
    const all = text.slice(text.indexOf('All licenses'));
    expect(all).toContain('Reports for Globex');
    expect(all).not.toContain('Acme Corporation');
    const none = await pageOf(operator, `/console/licenses?q=${encodeURIComponent('<b>%_')}`);
    expect(none.text).toContain('No organization whose name contains “&lt;b>%_”');
  });

  it('shows owners, administrators and billing those of their organization alone, and members nothing', async () => {
    for (const email of ['owner@acme.example', 'billing@acme.example']) {
      const { status, text } = await pageOf(await world.signIn(email), '/console/licenses');
      expect([status, text.includes('What Acme Corporation has bought'), text.includes('Globex')]).toEqual([
        ...[200, true, false],
      ]);
    }
    const member = await world.signIn('member@acme.example');
    for (const address of ['/console/licenses', path(acme), path(globex)]) {
      expect((await member.get(address)).status).toBe(403);
    }
  });

  it('shows billing no people, no timeline and no way to assign a seat', async () => {
    const billing = await world.signIn('billing@acme.example');
    const { status, text } = await pageOf(billing, path(acme));
    expect([status, /Timeline|Assign seat|Release/.test(text)]).toEqual([200, false]);
    const { headers } = await pageOf(owner, path(acme)).then(() =>
      billing.submit('/sign-out', `${path(acme)}/seats`, { user_id: world.id('member@acme.example') }),
    );
    expect(headers.get('location')).toBeNull();
    expect(await seats()).toEqual([]);
  });

  it('knows no license of another organization, neither to look at nor to change', async () => {
    expect((await owner.get(path(globex))).status).toBe(404);
    for (const action of ['seats', 'seats/release']) {
      const response = await owner.submit(path(acme), `${path(globex)}/${action}`, {
        user_id: world.id('admin@globex.example'),
      });
      expect(response.status).toBe(404);
    }
    expect(await seats()).toEqual([]);
  });

  it('says which seats are away with a license file, and in the timeline where they went', async () => {
    const offline = world.app.get(OfflineLicenses);
    const expiresAt = new Date(Date.now() + 86_400_000);
    const { grant } = await offline.issue(
      { licenseId: acme, instance: 'plant-7', seatBlock: 1, expiresAt },
      world.id('seller@vendor.example'),
    );
    const { text } = await pageOf(owner, path(acme));
    expect(text).toContain('1 of 1 seats in use, 1 of them away with license files');
    expect(text).toMatch(/License file issued: number 1 for plant-7<\/span>.{0,200} by Sam Seller/);
    await offline.return(grant.id, world.id('seller@vendor.example'));
    const after = await pageOf(owner, path(acme));
    expect(after.text).toContain('0 of 1 seats in use<');
    expect(after.text).toContain('License file returned: number 1 for plant-7');
  });

  it('assigns a seat and releases it, and says in the timeline who did it', async () => {
    const response = await assign(owner, acme, 'member@acme.example');
    expect([response.status, response.headers.get('location')]).toEqual([303, `${path(acme)}?done=assigned`]);
    expect(await seats()).toEqual([`${acme} ${world.id('member@acme.example')}`]);
    const { text } = await pageOf(owner, `${path(acme)}?done=assigned`);
    expect(text).toContain('The seat was assigned.');
    expect(text).toContain('1 of 1 seats in use');
    expect(text).toMatch(/Seat assigned: Max Member<\/span>.{0,200} by Olivia Owner/);

    const released = await owner.submit(path(acme), `${path(acme)}/seats/release`, {
      user_id: world.id('member@acme.example'),
    });
    expect(released.headers.get('location')).toBe(`${path(acme)}?done=released`);
    expect(await seats()).toEqual([]);
    const audited = await world.app.get(Database).query(sql`
      SELECT act, actor, address, factor, client_id FROM audit_events WHERE target = ${acme} ORDER BY id DESC LIMIT 2`);
    const by = {
      actor: world.id('owner@acme.example'),
      address: '127.0.0.1',
      factor: 'pwd',
      client_id: null,
    };
    expect(audited).toEqual([
      { act: 'seat.release', ...by },
      { act: 'seat.assign', ...by },
    ]);
  });

  it('says when a seat that cools is free for others, on the page itself', async () => {
    await world.app
      .get(Database)
      .query(sql`UPDATE licenses SET seat_cooldown_seconds = 3600 WHERE id = ${acme}`);
    try {
      await world.assignSeat(acme, 'member@acme.example');
      await world.app.get(SeatRepository).releaseSeat(acme, world.id('member@acme.example'), 'test');
      const refused = await (await assign(owner, acme, 'owner@acme.example')).text();
      expect(refused).toMatch(
        /Nothing was changed.*No seat of this license is free.*Ask again from 20\d\d-/s,
      );
    } finally {
      await world.app.get(Database).query(sql`
        UPDATE licenses SET seat_cooldown_seconds = 0 WHERE id = ${acme}`);
    }
  });

  it('says why there is no seat, on the page itself, and changes nothing', async () => {
    await world.assignSeat(acme, 'member@acme.example');
    const full = await assign(owner, acme, 'owner@acme.example');
    expect(full.status).toBe(403);
    expect(await full.text()).toMatch(/Nothing was changed.*All seats of this license are taken/s);
    const stranger = await assign(operator, globex, 'member@acme.example');
    expect(stranger.status).toBe(409);
    expect(await seats()).toEqual([`${acme} ${world.id('member@acme.example')}`]);
  });

  it('takes no form that another site has sent, or that names nobody', async () => {
    const member = world.id('member@acme.example');
    expect((await owner.post(`${path(acme)}/seats`, { user_id: member })).status).toBe(403);
    const page = { user_id: member, csrf_token: 'forged' };
    expect((await owner.post(`${path(acme)}/seats`, page)).status).toBe(403);
    for (const wrong of ['', 'nobody', `${member}'`]) {
      const response = await owner.submit(path(acme), `${path(acme)}/seats`, { user_id: wrong });
      expect([wrong, response.status]).toEqual([wrong, 400]);
    }
    const unknown = await owner.submit(path(acme), `${path(acme)}/seats`, { user_id: randomUUID() });
    expect(unknown.status).toBe(409);
    expect(await seats()).toEqual([]);
  });

  it('answers what makes no sense with an error of the caller', async () => {
    for (const [address, status] of [
      ['/console/licenses/nothing', 404],
      [path(randomUUID()), 404],
      [`${path(acme)}?before=x`, 400],
      [`${path(acme)}?before=1&before=2`, 400],
      [`${path(acme)}?done=everything`, 400],
      ['/console/licenses?after=x', 400],
      [`/console/licenses?q=${'x'.repeat(101)}`, 400],
      ['/console/licenses?q=a&q=b', 400],
      ['/console/licenses?q=%00', 400],
    ] as const) {
      expect([address, (await operator.get(address)).status]).toEqual([address, status]);
    }
  });

  it('draws the use of each day, and says how much of the limit is used', async () => {
    const catalog = world.app.get(CatalogRepository);
    await catalog.createFeature(
      { moduleKey: 'reports', key: 'renders', type: 'metered', combine: 'sum' },
      'test',
    );
    const plan = await catalog.createPlanVersion(
      { planKey: 'renders', name: 'Rendering', moduleKey: 'reports', features: { renders: 10 } },
      'test',
    );
    const license = await world.license('globex', 'reports', { planVersionId: plan.id });
    const answer = await world.app.get(UsageRepository).record({
      ...{ organizationId: world.id('globex'), module: 'reports', feature: 'renders', amount: 4 },
      ...{ userId: null, idempotencyKey: 'console', clientId: 'reports' },
    });
    expect(answer.allow).toBe(true);
    const { text } = await pageOf(operator, path(license));
    expect(text).toContain('4 of 10 used in this period');
    expect(text.match(/class="chart-bar"/g)).toHaveLength(30);
    expect(text).toMatch(
      /aria-label="renders: 4 used from \d{4}-\d{2}-\d{2} to \d{4}-\d{2}-\d{2}, at most 4 a day"/,
    );
  });

  it('shows what was bought: features, what beats the plan, what is to change, and why things were done', async () => {
    const catalog = world.app.get(CatalogRepository);
    for (const [key, type] of [
      ['pdf', 'boolean'],
      ['charts', 'limit'],
      ['pages', 'metered'],
    ] as const) {
      await catalog.createFeature({ moduleKey: 'reports', key, type, combine: 'sum' }, 'test');
    }
    const plan = await catalog.createPlanVersion(
      { planKey: 'writing', name: 'Writing', moduleKey: 'reports', features: { charts: 5, pages: 1000 } },
      'test',
    );
    const license = await world.license('globex', 'reports', {
      ...{ planVersionId: plan.id, seatModel: 'named', seatLimit: 4, timeZone: 'Asia/Tokyo' },
      ...{ overage: 'allow', seatCooldownSeconds: 7200, seatOnFirstUse: true },
    });
    const startsAt = new Date('2026-01-01T00:00:00.000Z');
    const pdf = { licenseId: license, feature: 'pdf', value: true, startsAt };
    await world.licenses.setOverride({ ...pdf, endsAt: new Date('2035-01-01T00:00:00.000Z') }, 'test', {
      reason: 'A gift <b>of the house</b>',
    });
    await world.licenses.setOverride(
      { ...pdf, value: 'REMOVED', startsAt: new Date('2035-01-01T00:00:00.000Z'), endsAt: null },
      'test',
    );
    const effectiveAt = new Date('2034-01-01T00:00:00.000Z');
    const terms = world.app.get(LicenseTermsRepository);
    await terms.changeTerms({ licenseId: license, seatLimit: 9, effectiveAt }, 'test');
    const { text } = await pageOf(operator, path(license));
    const words = text.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
    for (const shown of [
      ...[
        'Time zone Asia/Tokyo',
        'More use is allowed, and billed',
        'after 2 hours',
        'charts 5',
        'pages 1000 a month',
      ],
      ...['gets a free one', 'pdf included beside the plan (by which: not included) until Jan 1, 2035'],
      ...['UTC ; then not included from Jan 1, 2035, 00:00 UTC without an end'],
      ...['Jan 1, 2034, 00:00 UTC Writing, version 1; 9 named seats'],
      ...['Feature changed beside the plan: pdf, included Why: A gift &lt;b>of the house&lt;/b>'],
      ...['Plan or seats changed: Writing, version 1; 9 named seats; from 2034-01-01T00:00:00.000Z'],
    ]) {
      expect(words).toContain(shown);
    }
  });

  it('draws of each license its own use, of what it counts', async () => {
    const catalog = world.app.get(CatalogRepository);
    await catalog.createFeature(
      { moduleKey: 'projects', key: 'exports', type: 'metered', combine: 'sum' },
      'test',
    );
    const planOf = (features: Record<string, number>) =>
      catalog.createPlanVersion(
        {
          planKey: `exports-${Object.keys(features).length}`,
          name: 'Exports',
          moduleKey: 'projects',
          features,
        },
        'test',
      );
    const [some, none] = [await planOf({ exports: 3 }), await planOf({})];
    const endsAt = (days: number) => new Date(world.clock.now().getTime() + days * 86_400_000);
    const first = await world.license('globex', 'projects', { planVersionId: some.id, endsAt: endsAt(100) });
    const second = await world.license('globex', 'projects', { planVersionId: some.id, endsAt: endsAt(200) });
    const other = await world.license('globex', 'projects', { planVersionId: none.id });
    await world.app.get(UsageRepository).record({
      ...{ organizationId: world.id('globex'), module: 'projects', feature: 'exports', amount: 4 },
      ...{ userId: null, idempotencyKey: 'of-two-licenses', clientId: 'projects' },
    });
    const drawn = async (license: string) =>
      /aria-label="exports: (\d+) used/.exec((await pageOf(operator, path(license))).text)?.[1];
    expect([await drawn(first), await drawn(second), await drawn(other)]).toEqual(['3', '1', undefined]);
  });

  it('keeps what ends soon in a search', async () => {
    const endsAt = new Date(world.clock.now().getTime() + 6 * 86_400_000);
    await world.license('acme', 'projects', { endsAt });
    const { text } = await pageOf(operator, '/console/licenses?q=acme');
    const soon = text.slice(text.indexOf('Ends within 60 days'), text.indexOf('All licenses'));
    expect(soon).toContain('Projects for Acme Corporation');
    expect(soon).not.toContain('Globex');
  });

  it('hides drafts from their organization, and what the readiness probe has from the seller', async () => {
    const draft = await world.license('acme', 'reports');
    const database = world.app.get(Database);
    await database.query(sql`UPDATE licenses SET status = 'draft' WHERE id = ${draft}`);
    expect((await owner.get(path(draft))).status).toBe(404);
    expect((await pageOf(owner, '/console/licenses')).text).not.toContain(draft);
    expect((await operator.get(path(draft))).status).toBe(200);
    expect((await pageOf(operator, '/console/licenses?q=acme')).text).toContain(draft);
    const key = `readiness-probe-${randomUUID()}`;
    await world.createOrganization(key, 'Readiness probe');
    await world.license(key, 'reports');
    expect((await pageOf(operator, '/console/licenses?q=readiness')).text).toContain('No organization whose');
  });

  it('lets the seats of a planned change to named ones be assigned ahead', async () => {
    const license = await world.license('acme', 'projects', { seatModel: 'floating', seatLimit: 3 });
    const effectiveAt = new Date(Date.now() + 30 * 86_400_000);
    await world.app
      .get(LicenseTermsRepository)
      .changeTerms({ licenseId: license, seatModel: 'named', seatLimit: 2, effectiveAt }, 'seed');
    const before = (await pageOf(owner, path(license))).text;
    expect(before).toContain('Nobody is seated by the change: assign the seats before');
    expect(before).toContain('0 of 2 assigned. Nobody else gets in from then on.');
    expect((await assign(owner, license, 'member@acme.example')).status).toBe(303);
    expect((await pageOf(owner, path(license))).text).toContain('1 of 2 assigned.');
    const released = await owner.submit(path(license), `${path(license)}/seats/release`, {
      user_id: world.id('member@acme.example'),
    });
    expect(released.status).toBe(303);
  });

  it('shows 50 licenses a page and each of them once, a revoked one last', async () => {
    await world.createOrganization('initech', 'Initech');
    const sold: string[] = [];
    for (let count = 0; count < 55; count += 1) sold.push(await world.license('initech', 'projects'));
    // what would come first by its id alone
    const [revoked = ''] = sold.toSorted();
    await world.app.get(LicenseRepository).changeStatus(revoked, 'revoked', 'test');
    const seen = new Set<string>();
    let address: string | undefined = '/console/licenses?q=initech';
    let pages = 0;
    while (address !== undefined) {
      const { text } = await pageOf(operator, address);
      for (const [, id = ''] of text.matchAll(/href="\/console\/licenses\/([0-9a-f-]{36})"/g)) {
        expect([pages, seen.size, seen.has(id)]).toEqual([pages, seen.size, false]);
        seen.add(id);
      }
      pages += 1;
      address = /href="(\/console\/licenses\?[^"]*after=[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
    }
    expect([seen.size, pages, [...seen].at(-1)]).toEqual([55, 2, revoked]);
  });

  it('the launcher leads there whoever may go there', async () => {
    const leads = async (browser: HttpBrowser) =>
      (await pageOf(browser, '/')).text.includes('href="/console/licenses"');
    expect(await leads(owner)).toBe(true);
    expect(await leads(await world.signIn('member@acme.example'))).toBe(false);
  });
});
