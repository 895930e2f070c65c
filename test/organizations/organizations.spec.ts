import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { OrganizationRemovalRepository, type Role } from '#accounts';
import { CatalogRepository } from '#licensing';
import { Database, MailSealer, sql, type Mail } from '#platform';
import { Sweeper } from '../../apps/server/sweeper.js';
import { pathTo } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { claimsOf, World, type TestClient } from '../support/world.js';

jest.setTimeout(120_000);

const A_DAY = 86_400_000;

let world: World;
beforeAll(async () => (world = await World.start()));
afterAll(() => world.stop());

const query = <Row>(statement: ReturnType<typeof sql>) => world.app.get(Database).query<Row>(statement);
const create = (browser: HttpBrowser, fields: Record<string, string>) =>
  browser.submit('/organization/new', '/organization/new', fields);
const act = (browser: HttpBrowser, path: string, fields: Record<string, string> = {}) =>
  browser.submit('/organization', `/organization/${path}`, fields);
/** A browser in which a member of acme has signed in anew. */
const newMember = async (email: string, role: Role = 'member') => {
  await world.createPerson(email, 'Nora Newcomer', { acme: role });
  return world.signIn(email);
};
const letters = async (): Promise<Mail[]> => {
  const rows = await query<{ id: string; envelope: string }>(
    sql`SELECT id, mail_envelope AS envelope FROM mails`,
  );
  return rows.map((row) => world.app.get(MailSealer).open(row));
};

describe('creating an organization', () => {
  it('gives it to who does so, derives its key, and makes the session act for it', async () => {
    const browser = await world.signIn('member@acme.example');
    const answer = await create(browser, { name: '  Café   Müller ' });
    expect(pathTo(answer)).toBe('/organization?done=created');
    const page = await (await browser.get('/organization')).text();
    for (const text of ['Café Müller', 'cafe-muller', 'Owner']) expect(page).toContain(text);
    // the switcher knows it at once
    expect(await (await browser.get('/choose-organization')).text()).toContain('Café Müller');
  });

  it('two of one name are told apart by their keys where one of them is chosen, and others need none', async () => {
    const browser = await newMember('twins@acme.example');
    for (const key of ['twin-one', 'twin-two']) await create(browser, { name: 'Twin', key });
    const page = await (await browser.get('/choose-organization')).text();
    for (const key of ['twin-one', 'twin-two']) expect(page).toContain(`>Owner, ${key}</span>`);
    expect(page).toContain('>Member</span>');
  });

  it('is refused with a sentence beside the field, and keeps what was typed', async () => {
    const browser = await world.signIn('member@acme.example');
    for (const [fields, status, sentence] of [
      [{ name: '' }, 400, 'Enter a name.'],
      [{ name: 'a\u202eb' }, 400, 'A name is one line'],
      [{ name: 'http://evil.example win' }, 400, 'This reads as an address'],
      [{ name: 'Core Auth' }, 400, 'what the service itself is called'],
      [{ name: 'x'.repeat(101) }, 400, 'A name has at most 100 characters.'],
      [{ name: '株式会社' }, 400, 'Choose a key too'],
      [{ name: 'New', key: 'No Key' }, 400, 'A key is made of small letters'],
      [{ name: 'Support' }, 400, 'is reserved'],
      [{ name: 'New', key: 'readiness-probe-company' }, 400, 'is reserved'],
      [{ name: 'Acme' }, 409, 'There is an organization with this key already'],
    ] as const) {
      const answer = await create(browser, fields);
      const text = await answer.text();
      expect([fields, answer.status, text]).toEqual([fields, status, expect.stringContaining(sentence)]);
      expect(text).toContain('aria-invalid');
    }
    expect(await (await create(browser, { name: 'Acme' })).text()).toContain('value="acme"');
    const [row] = await query(sql`SELECT count(*)::int AS count FROM organizations WHERE name LIKE 'New%'`);
    expect(row).toEqual({ count: 0 });
  });

  it('is bounded for each person, also when they ask twenty times at once', async () => {
    // each in a session of their own: creating one renews the secret of the session
    const browsers = [await newMember('eager@acme.example')];
    while (browsers.length < 20) browsers.push(await world.signIn('eager@acme.example'));
    const answers = await Promise.all(
      browsers.map((browser, index) => create(browser, { name: `Eager ${index}`, key: `eager-${index}` })),
    );
    const created = answers.filter(({ status }) => status === 303);
    expect(created.map(pathTo)).toEqual(Array.from({ length: 10 }, () => '/organization?done=created'));
    for (const answer of answers.filter(({ status }) => status !== 303)) {
      expect([answer.status, await answer.text()]).toEqual([
        409,
        expect.stringContaining('You have created 10'),
      ]);
    }
  });

  it('is offered to who belongs to none, beside an invitation', async () => {
    await world.createPerson('nowhere@acme.example', 'Nora Nowhere', {});
    const browser = await world.signIn('nowhere@acme.example');
    const text = await (await browser.get('/choose-organization')).text();
    expect(text).toContain(
      'Ask an administrator of one for an invitation, and follow its link; or create one.',
    );
    const closed = await World.start({ env: { CORE_AUTH_ORGANIZATION_CREATION: 'off' }, beside: world });
    const there = await (await browser.at(closed.url).get('/choose-organization')).text();
    expect(there).toContain('Ask an administrator of one for an invitation, and follow its link.');
    await closed.stop();
  });

  it('leads back to the application that asked for one, and to nothing outside', async () => {
    await world.createPerson('founder@new.example', 'Fay Founder', {});
    const browser = await world.signIn('founder@new.example');
    const { path } = world.authorizationRequest(world.client('projects'));
    const asked = await browser.get(path);
    expect(pathTo(asked)).toMatch(/^\/choose-organization\?/);
    const choice = await (await browser.get(pathTo(asked))).text();
    const link = /href="(\/organization\/new\?[^"]+)"/.exec(choice)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const refused = await browser.submit(link, '/organization/new', { name: '' });
    expect(refused.status).toBe(400);
    expect(hiddenFields(await refused.text())['return_to']).toMatch(/^\/oauth2\/authorize\?/);
    const made = await browser.submit(link, '/organization/new', { name: 'Fresh', key: 'fresh-one' });
    expect([made.status, pathTo(made)]).toEqual([303, expect.stringMatching(/^\/oauth2\/authorize\?/)]);
    const outside = '/organization/new?return_to=https%3A%2F%2Fevil.example%2F';
    expect(pathTo(await browser.submit(outside, '/organization/new', { name: 'Other' }))).toBe('/');
  });

  it('can be closed, and is then offered nowhere, with the way to who makes one', async () => {
    const closed = await World.start({ env: { CORE_AUTH_ORGANIZATION_CREATION: 'off' }, beside: world });
    const browser = (await world.signIn('owner@acme.example')).at(closed.url);
    const answer = await create(browser, { name: 'Closed' });
    expect(answer.status).toBe(403);
    const page = await browser.get('/organization/new');
    expect(page.status).toBe(403);
    const text = await page.text();
    expect(text).toContain('Ask whoever operates this service');
    expect(text).not.toContain('action="/organization/new"');
    for (const path of ['/organization', '/choose-organization']) {
      expect(await (await browser.get(path)).text()).not.toContain('/organization/new');
    }
    await closed.stop();
  });
});

it('a rename reaches the pages, is refused for a key that is taken, and comes back unchanged', async () => {
  const browser = await world.signIn('admin@globex.example');
  const rename = (name: string, key: string) =>
    browser.submit('/organization/settings', '/organization/settings', { name, key });
  expect(pathTo(await rename('Globex Inc', 'globex-inc'))).toBe('/organization/settings?done=saved');
  expect(await (await browser.get('/')).text()).toContain('Globex Inc');
  const refused = await rename('Globex', 'acme');
  expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining('value="acme"')]);
  expect((await rename('Globex', 'globex')).status).toBe(303);
});

describe('what ends with a membership', () => {
  const tokensOf = async (browser: HttpBrowser, scope = 'openid offline_access projects:read') => {
    const client = world.client('projects');
    const { body } = await world.exchange(client, await world.code(client, browser, { scope }));
    return { access: String(body['access_token']), refresh: String(body['refresh_token']) };
  };
  const isActive = async (token: string) =>
    (await world.introspect(world.client('projects'), token)).body['active'] === true;
  const toldOf = async (subject: string) => {
    const rows = await query<{ kind: string }>(
      sql`SELECT kind FROM outbox WHERE subject = ${subject} ORDER BY id`,
    );
    return rows.map(({ kind }) => kind);
  };

  it('removal ends the tokens for the organization at once, and the session goes on for none', async () => {
    const browser = await newMember('removed@acme.example');
    const userId = world.id('removed@acme.example');
    const tokens = await tokensOf(browser);
    const online = await tokensOf(browser, 'openid projects:read');
    const owner = await world.signIn('owner@acme.example');
    const answer = await owner.submit('/organization/people', `/organization/people/${userId}/remove`, {});
    expect(pathTo(answer)).toBe('/organization/people?done=removed');
    for (const token of [tokens.access, tokens.refresh, online.access])
      expect(await isActive(token)).toBe(false);
    expect((await world.refresh(world.client('projects'), tokens.refresh)).status).toBe(400);
    expect(pathTo(await browser.get('/'))).toBe('/choose-organization');
    expect(pathTo(await browser.get('/organization/people'))).toMatch(/^\/choose-organization/);
    expect(await (await browser.get('/choose-organization')).text()).toContain('No organization yet');
    expect(await toldOf(userId)).toEqual(['membership-changed', 'membership-changed']);
    const [row] = await query(sql`
      SELECT count(*)::int AS revoked FROM outbox JOIN authorizations a ON a.id::text = subject
       WHERE kind = 'authorization-revoked' AND a.user_id = ${userId} AND a.state = 'revoked'`);
    expect(row).toEqual({ revoked: 2 });
  });

  it('leaving does the same, and leaves another organization’s tokens alone', async () => {
    await world.createPerson('both@partners.example', 'Bo Both', { acme: 'member', globex: 'member' });
    const browser = await world.signIn('both@partners.example');
    const choose = (key: string) =>
      browser.submit('/choose-organization', '/choose-organization', { organization_id: world.id(key) });
    await choose('globex');
    const kept = await tokensOf(browser);
    await choose('acme');
    const lost = await tokensOf(browser);
    expect(pathTo(await act(browser, 'leave'))).toBe('/choose-organization');
    expect(await isActive(lost.access)).toBe(false);
    expect(await isActive(kept.access)).toBe(true);
  });

  it('the last owner cannot leave, and is told what to do', async () => {
    const browser = await world.signIn('owner@acme.example');
    const answer = await act(browser, 'leave');
    expect([answer.status, await answer.text()]).toEqual([
      409,
      expect.stringContaining('make somebody else an owner first'),
    ]);
  });

  it('a form of one organization changes nothing in another, for which the person acts by now', async () => {
    await world.createPerson('tabs@partners.example', 'Ty Tabs', { acme: 'administrator', globex: 'owner' });
    const browser = await world.signIn('tabs@partners.example');
    const choose = (key: string) =>
      browser.submit('/choose-organization', '/choose-organization', { organization_id: world.id(key) });
    await choose('acme');
    const answer = await act(browser, 'leave', { organization_id: world.id('globex') });
    expect([answer.status, await answer.text()]).toEqual([
      409,
      expect.stringContaining('nothing was changed'),
    ]);
    expect(await world.accounts.membershipsOf(world.id('tabs@partners.example'))).toHaveLength(2);
  });
});

describe('roles that an organization makes', () => {
  let owner: HttpBrowser;
  let catalog: CatalogRepository;
  beforeAll(async () => {
    catalog = world.app.get(CatalogRepository);
    owner = await world.signIn('owner@acme.example');
    await permit('owner', 'archive', 'delete');
    await permit('administrator', 'archive');
    await permit('member', 'comment');
    await keepWriteTo('owner', 'administrator');
  });

  const permit = (role: Role, ...permissions: string[]) =>
    catalog.setPermissions({ moduleKey: 'projects', role, permissions }, 'test');
  const keepWriteTo = async (...roles: Role[]) => {
    await catalog.setScopeRoles({ moduleKey: 'projects', scope: 'projects:write', roles }, 'test');
    await world.heard();
  };

  const roles = '/organization/roles';
  const make = (browser: HttpBrowser, name: string, ...permissions: string[]) =>
    sendRole(browser, roles, name, permissions);
  const sendRole = async (browser: HttpBrowser, path: string, name: string, permissions: string[]) => {
    const page = await (await browser.get(roles)).text();
    const body = new URLSearchParams({ name });
    for (const field of ['csrf_token', 'organization_id']) {
      body.set(field, new RegExp(`name="${field}" value="([^"]*)"`).exec(page)?.[1] ?? '');
    }
    for (const permission of permissions) body.append('permission', permission);
    return browser.post(path, body);
  };
  const idOf = async (key: string) => {
    const [row] = await query<{ id: string }>(sql`SELECT id FROM organization_roles WHERE key = ${key}`);
    return row?.id ?? '';
  };
  const give = (browser: HttpBrowser, userId: string, role: string) =>
    browser.submit('/organization/people', `/organization/people/${userId}/role`, { role });
  const claims = async (browser: HttpBrowser) => {
    const client = world.client('projects');
    const scope = 'openid projects:read projects:write';
    const { body } = await world.exchange(client, await world.code(client, browser, { scope }));
    const { roles: held, entitlements, scope: granted } = claimsOf(String(body['access_token']));
    return { roles: held, entitlements, scope: granted, refresh: String(body['refresh_token']) };
  };

  it('reach tokens as the built-in ones do: name, permissions and scopes; a change holds from the next token on', async () => {
    const browser = await newMember('archivist@acme.example');
    const userId = world.id('archivist@acme.example');
    expect(await claims(browser)).toMatchObject({
      roles: ['member'],
      entitlements: ['projects:comment'],
      scope: 'openid projects:read',
    });
    expect(pathTo(await make(owner, 'Archivist', 'projects:archive', 'projects:write'))).toBe(
      `${roles}?done=created`,
    );
    const id = await idOf('archivist');
    expect(pathTo(await give(owner, userId, `custom:${id}`))).toBe('/organization/people?done=changed');
    const held = await claims(browser);
    expect(held).toMatchObject({
      roles: ['archivist'],
      entitlements: ['projects:archive'],
      scope: 'openid projects:read projects:write',
    });
    expect(await (await browser.get('/')).text()).toContain('Your role: Archivist');
    expect((await browser.get('/organization/people')).status).toBe(403);

    expect((await sendRole(owner, `${roles}/${id}`, 'Archivist', ['projects:delete'])).status).toBe(303);
    const { body } = await world.refresh(world.client('projects'), held.refresh);
    const { entitlements, scope } = claimsOf(String(body['access_token']));
    expect({ entitlements, scope }).toEqual({
      entitlements: ['projects:delete'],
      scope: 'openid projects:read',
    });
    const [told] = await query(sql`
      SELECT count(*)::int AS count FROM outbox WHERE kind = 'membership-changed' AND subject = ${userId}`);
    expect(told).toEqual({ count: 3 });

    const refused = await sendRole(owner, `${roles}/${id}/delete`, '', []);
    expect([refused.status, await refused.text()]).toEqual([
      409,
      expect.stringContaining('People have this role'),
    ]);
    await give(owner, userId, 'billing');
    expect(pathTo(await sendRole(owner, `${roles}/${id}/delete`, '', []))).toBe(`${roles}?done=deleted`);
  });

  it('never hold more than who makes, changes or gives them has', async () => {
    const admin = await newMember('limited@acme.example', 'administrator');
    await newMember('target@acme.example');
    const refused = async (answer: Response) =>
      expect([answer.status, await answer.text()]).toEqual([
        403,
        expect.stringContaining('Nobody gives or takes more'),
      ]);
    await refused(await make(admin, 'Eraser', 'projects:delete'));
    await refused(await make(admin, 'Guess', 'projects:everything'));
    await refused(await make(owner, 'Guess', 'reports:read'));
    await make(owner, 'Eraser', 'projects:delete');
    const eraser = await idOf('eraser');
    await refused(await give(admin, world.id('target@acme.example'), `custom:${eraser}`));
    await refused(
      await sendRole(admin, `${roles}/${eraser}`, 'Eraser', ['projects:archive', 'projects:delete']),
    );
    expect((await sendRole(admin, `${roles}/${eraser}`, 'Eraser', ['projects:archive'])).status).toBe(303);
    expect((await give(admin, world.id('target@acme.example'), `custom:${eraser}`)).status).toBe(303);
  });

  it('are given also when the catalog has dropped what they hold, which is then nothing', async () => {
    const dropping = await newMember('dropping@acme.example');
    await make(owner, 'Dropped', 'projects:delete');
    const role = `custom:${await idOf('dropped')}`;
    const admin = await world.signIn('limited@acme.example');
    expect((await give(admin, world.id('dropping@acme.example'), role)).status).toBe(403);
    await permit('owner', 'archive');
    await world.heard();
    expect((await give(admin, world.id('dropping@acme.example'), role)).status).toBe(303);
    expect(await claims(dropping)).toMatchObject({ roles: ['dropped'], entitlements: undefined });
    const invited = await admin.submit('/organization/invitations', '/organization/invitations', {
      addresses: 'dropped@new.example',
      role,
    });
    expect(invited.status).toBe(200);
    await permit('owner', 'archive', 'delete');
    await world.heard();
  });

  it('give nobody what the catalog has taken from everybody who makes roles', async () => {
    const browser = await newMember('narrowed@acme.example');
    await make(owner, 'Narrowed', 'projects:delete', 'projects:write');
    await give(owner, world.id('narrowed@acme.example'), `custom:${await idOf('narrowed')}`);
    expect(await claims(browser)).toMatchObject({
      entitlements: ['projects:delete'],
      scope: 'openid projects:read projects:write',
    });
    await permit('owner', 'archive');
    await permit('billing', 'delete');
    await keepWriteTo('billing');
    expect(await claims(browser)).toMatchObject({ entitlements: undefined, scope: 'openid projects:read' });
    await permit('owner', 'archive', 'delete');
    await permit('billing');
    await keepWriteTo('owner', 'administrator');
  });

  it('need not list a scope that is open to every role', async () => {
    const browser = await newMember('plain@acme.example');
    await make(owner, 'Plain', 'projects:archive');
    await give(owner, world.id('plain@acme.example'), `custom:${await idOf('plain')}`);
    expect(await claims(browser)).toMatchObject({ scope: 'openid projects:read' });
    await keepWriteTo('owner', 'administrator', 'billing', 'member');
    expect(await claims(browser)).toMatchObject({ scope: 'openid projects:read projects:write' });
    await keepWriteTo('owner', 'administrator');
  });

  it('have names of their own, and not those of built-in ones', async () => {
    expect((await make(owner, 'Twice')).status).toBe(303);
    expect((await make(owner, ' TWICE ')).status).toBe(409);
    for (const name of ['Owner', 'member', '', '株式', 'a\u2028b']) {
      expect([name, (await make(owner, name)).status]).toEqual([name, 400]);
    }
  });
});

describe('deleting an organization', () => {
  let founder: HttpBrowser;
  let organizationId: string;

  const settings = '/organization/settings';
  const erase = (confirmation: string) =>
    founder.submit(settings, '/organization/deletion', { confirmation });
  const sweep = () => world.app.get(Sweeper).sweep();
  /** The sweeper forgets, by a clock that was set forward, what was told just now. */
  const remove = () => world.app.get(OrganizationRemovalRepository).sweep(1000);
  const exists = async () => (await world.accounts.organizationById(organizationId)) !== undefined;

  beforeAll(async () => {
    founder = await newMember('founder@acme.example');
    await create(founder, { name: 'Doomed' });
    const [row] = await query<{ id: string }>(sql`SELECT id FROM organizations WHERE key = 'doomed'`);
    organizationId = world.ids['doomed'] = row?.id ?? '';
    await world.createPerson('worker@doomed.example', 'Wes Worker', { doomed: 'member' });
    const license = await world.license('doomed', 'projects', { seatModel: 'named', seatLimit: 3 });
    await world.assignSeat(license, 'founder@acme.example');
    await world.assignSeat(license, 'worker@doomed.example');
    await query(sql`
      INSERT INTO usage_counters (license_id, feature_key, period_starts_at, period_ends_at, used, overage)
      VALUES (${license}, 'exports', '2026-10-01', '2026-11-01', 7, 2)`);
  });

  let biller: TestClient | undefined;
  /** What is billed of it, as a billing system asks. */
  const billed = async () => {
    biller ??= await world.createClient({ id: 'billing-system', scopes: ['licensing:read'] });
    const fields = { grant_type: 'client_credentials', scope: 'licensing:read' };
    const { body } = await world.token(biller, fields);
    const answer = await fetch(
      new URL('/v1/usage/export?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z', world.url),
      { headers: { authorization: `Bearer ${String(body['access_token'])}` } },
    );
    const text = await answer.text();
    expect([answer.status, text]).toEqual([200, expect.stringContaining('"usage"')]);
    const { usage } = JSON.parse(text) as { usage: Record<string, unknown>[] };
    return usage.filter((line) => line['organization_id'] === organizationId);
  };

  it('takes its key to confirm, is told to its owners, and lets nobody new in', async () => {
    const wrong = await erase('Doomed!');
    expect([wrong.status, await wrong.text()]).toEqual([
      400,
      expect.stringContaining('Type doomed to confirm'),
    ]);
    expect(pathTo(await erase('doomed'))).toBe(settings);
    expect(await (await founder.get(settings)).text()).toContain('Doomed will be deleted');
    expect((await letters()).filter(({ subject }) => subject === 'Doomed will be deleted')).toMatchObject([
      { to: 'founder@acme.example' },
    ]);
    const invited = await founder.submit('/organization/invitations', '/organization/invitations', {
      addresses: 'late@doomed.example',
      role: 'member',
    });
    expect(await invited.text()).toContain('about to be deleted');
  });

  it('is undone by an owner until the grace ends, and everything is as before', async () => {
    world.clock.advance(13 * A_DAY);
    await sweep();
    founder = await world.signIn('founder@acme.example');
    await founder.submit('/choose-organization', '/choose-organization', { organization_id: organizationId });
    expect(pathTo(await act(founder, 'deletion/undo'))).toBe(`${settings}?done=kept`);
    expect((await act(founder, 'deletion/undo')).status).toBe(409);
    world.clock.advance(2 * A_DAY);
    await sweep();
    expect(await exists()).toBe(true);
  });

  it('its data can be taken along', async () => {
    founder = await world.signIn('founder@acme.example');
    await founder.submit('/choose-organization', '/choose-organization', { organization_id: organizationId });
    const answer = await founder.get('/organization/export');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="doomed.json"');
    const data = (await answer.json()) as Record<string, unknown>;
    expect(data).toMatchObject({
      organization: { key: 'doomed', name: 'Doomed' },
      members: expect.arrayContaining([
        expect.objectContaining({ email: 'worker@doomed.example', role: 'member' }),
      ]),
      licenses: [{ moduleKey: 'projects', seatLimit: 3, seatsInUse: 2 }],
      invitations: [],
      roles: [],
    });
    const [audit] = await query(sql`
      SELECT actor, factor, address IS NOT NULL AS addressed, target FROM audit_events WHERE act = 'organization.export'`);
    expect(audit).toEqual({
      actor: world.id('founder@acme.example'),
      factor: 'pwd',
      addressed: true,
      target: organizationId,
    });
  });

  it('afterwards it goes with everything that hangs on it, tokens first; the audit stays', async () => {
    const worker = await world.signIn('worker@doomed.example');
    const client = world.client('projects');
    const { body } = await world.exchange(client, await world.code(client, worker));
    await erase('doomed');
    world.clock.advance(14 * A_DAY - 1000);
    await remove();
    expect(await exists()).toBe(true);
    world.clock.advance(1000);
    const counted = await billed();
    expect(counted).toMatchObject([{ module: 'projects', feature: 'exports', used: 7, overage: 2 }]);
    for (let round = 0; round < 3; round += 1) await remove();
    expect(await exists()).toBe(false);
    // the last bill is yet to be written
    expect(await billed()).toEqual(counted);
    expect((await world.introspect(client, String(body['access_token']))).body).toEqual({ active: false });
    const [audit] = await query(sql`
      SELECT count(*)::int > 5 AS kept,
             bool_or(act = 'organization.remove') AND bool_or(act = 'license.remove') AS told
        FROM audit_events WHERE organization_id = ${organizationId}`);
    expect(audit).toEqual({ kept: true, told: true });
    const [told] = await query(sql`
      SELECT array_agg(DISTINCT kind ORDER BY kind) AS kinds FROM outbox WHERE organization_id = ${organizationId}`);
    expect(told).toEqual({
      kinds: expect.arrayContaining([
        'authorization-revoked',
        'license-changed',
        'membership-changed',
        'organization-changed',
      ]),
    });
  });
});

it('sign-in of who is in no organization leads to a page that offers to create one', async () => {
  await world.createPerson('alone@nowhere.example', 'Al Alone', {});
  const browser = await world.signIn('alone@nowhere.example');
  const page = await (await browser.get('/choose-organization')).text();
  expect(page).toContain('/organization/new');
});

it('a sign-in of a quarter of an hour ago gives nobody a role and makes none, removes and invites nobody, and takes no data along', async () => {
  await world.createPerson('stays@acme.example', 'Sam Stays', { acme: 'member' });
  const userId = world.id('stays@acme.example');
  const owner = await world.signIn('owner@acme.example');
  const form = hiddenFields(await (await owner.get('/organization/people')).text());
  await owner.submit('/organization/roles', '/organization/roles', { name: 'Before the quarter' });
  await owner.submit('/organization/invitations', '/organization/invitations', {
    addresses: 'awaited@new.example',
    role: 'member',
  });
  const [made] = await query<{ id: string }>(sql`
    SELECT id FROM organization_roles WHERE name = 'Before the quarter'`);
  const [sent] = await query<{ id: string }>(sql`
    SELECT id FROM invitations WHERE email = 'awaited@new.example'`);
  const state = () =>
    query(sql`
      SELECT (SELECT jsonb_agg(to_jsonb(m) ORDER BY user_id, organization_id) FROM memberships m) AS members,
             (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM organization_roles r) AS roles,
             (SELECT jsonb_agg(to_jsonb(i) ORDER BY id) FROM invitations i) AS invitations,
             (SELECT count(*)::int FROM audit_events WHERE act = 'organization.export') AS exports`);
  const before = await state();
  world.clock.advance(15 * 60_000);
  for (const [page, path] of [
    ['people', `people/${userId}/role`],
    ['people', `people/${userId}/remove`],
    ['invitations', 'invitations'],
    ['invitations', `invitations/${sent?.id ?? ''}/resend`],
    ['roles', 'roles'],
    ['roles', `roles/${made?.id ?? ''}`],
    ['roles', `roles/${made?.id ?? ''}/delete`],
  ] as const) {
    const fields = { ...form, role: 'owner', addresses: 'thief@new.example', name: 'Thief' };
    const answer = await owner.post(`/organization/${path}`, fields);
    expect([path, answer.status, pathTo(answer)]).toEqual([
      path,
      303,
      `/step-up?return_to=${encodeURIComponent(`/organization/${page}`)}`,
    ]);
  }
  const download = await owner.get('/organization/export');
  expect([download.status, pathTo(download)]).toEqual([303, expect.stringMatching(/^\/step-up/)]);
  expect(await state()).toEqual(before);
});
