import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { InvitationAcceptanceRepository, RoleRepository, type Role } from '#accounts';
import { CatalogRepository, SeatRepository } from '#licensing';
import { Database, MailSealer, PublicError, sql, type Mail } from '#platform';
import { Invitations } from '../../apps/server/organization/invitations.service.js';
import { pathTo } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { PASSWORD, World } from '../support/world.js';
import { secretIn } from './organization-world.js';

jest.setTimeout(120_000);

const PAGE = '/organization/invitations';
const A_WEEK = 7 * 86_400_000;

describe('invitations', () => {
  let world: World;
  let second: World;
  let owner: HttpBrowser;
  let count = 0;

  beforeAll(async () => {
    world = await World.start();
    second = await World.start({ beside: world });
    await world.createPerson('admin@acme.example', 'Anna Admin', { acme: 'administrator' });
    owner = await world.signIn('owner@acme.example');
  });
  afterAll(async () => {
    await second.stop();
    await world.stop();
  });

  const query = <Row>(statement: ReturnType<typeof sql>) => world.app.get(Database).query<Row>(statement);
  const address = () => `invited-${(count += 1)}@new.example`;
  const lettersTo = async (to: string): Promise<Mail[]> => {
    const rows = await query<{ id: string; envelope: string }>(
      sql`SELECT id, mail_envelope AS envelope FROM mails ORDER BY created_at`,
    );
    return rows.map((row) => world.app.get(MailSealer).open(row)).filter((letter) => letter.to === to);
  };
  const linkFor = async (to: string) => `/invitation?token=${secretIn((await lettersTo(to)).at(-1))}`;
  const invite = (addresses: string, more: Record<string, string> = {}, browser = owner) =>
    browser.submit(PAGE, PAGE, { addresses, role: 'member', ...more });
  const idOf = async (email: string) => {
    const [row] = await query<{ id: string }>(sql`SELECT id FROM invitations WHERE email = ${email}`);
    return row?.id ?? '';
  };
  const roleOf = async (email: string, key = 'acme') => {
    const [row] = await query<{ role: string }>(sql`
      SELECT role FROM memberships m JOIN users u ON u.id = m.user_id JOIN organizations o ON o.id = m.organization_id
       WHERE u.email = ${email} AND o.key = ${key}`);
    return row?.role;
  };
  const acceptAnew = (browser: HttpBrowser, link: string, fields: Record<string, string> = {}) =>
    browser.submit(link, '/invitation', { name: 'Ina Invited', password: PASSWORD, ...fields });
  const act = (email: string, what: 'resend' | 'withdraw', browser = owner) =>
    idOf(email).then((id) => browser.submit(PAGE, `${PAGE}/${id}/${what}`, {}));
  const anHourLater = async () => {
    world.clock.advance(3_600_001);
    owner = await world.signIn('owner@acme.example');
  };
  const unusable = async (link: string) => {
    const answer = await world.browser().get(link);
    expect([answer.status, await answer.text()]).toEqual([
      404,
      expect.stringContaining('This invitation cannot be used'),
    ]);
  };
  const reserved = async (licenseId: string) => {
    const [row] = await query<{ reserved: number; seated: number }>(sql`
      SELECT (SELECT count(*)::int FROM seat_reservations
               WHERE license_id = ${licenseId} AND expires_at > now()) AS reserved,
             (SELECT count(*)::int FROM seat_assignments
               WHERE license_id = ${licenseId} AND released_at IS NULL) AS seated`);
    return row;
  };

  it('whoever has no account gets one by the link, which proves the address, and belongs with the role', async () => {
    const email = address();
    expect((await invite(email.toUpperCase(), { role: 'billing' })).status).toBe(200);
    const link = await linkFor(email);
    const browser = world.browser();
    const answered = await browser.get(link);
    const page = await answered.text();
    expect(page).toContain('Join Acme Corporation');
    // the field of every new password: whose it is for password managers, and the hint with its script
    expect(page).toContain(`name="username" autocomplete="username" value="${email}"`);
    expect(page).toMatch(/id="password-hint" [^>]*data-facts="[^"]*15/);
    expect(answered.headers.get('content-security-policy')).toContain("script-src 'self'");
    // a scanner of mail follows links: that uses nothing
    await world.browser().get(link);
    const answer = await acceptAnew(browser, link);
    expect([answer.status, pathTo(answer)]).toEqual([303, '/organization?done=joined']);
    expect(await (await browser.get('/organization')).text()).toContain('Acme Corporation');
    expect(await roleOf(email)).toBe('billing');
    const [account] = await query(sql`
      SELECT name, email_verified_at IS NOT NULL AS verified FROM users WHERE email = ${email}`);
    expect(account).toEqual({ name: 'Ina Invited', verified: true });
    await unusable(link);
    await world.signIn(email);
  });

  it('where no mail leaves nobody is invited, and no invitation is sent again: a sentence says what to set', async () => {
    const open = address();
    await invite(open);
    const node = await World.start({
      beside: world,
      env: { NODE_ENV: 'production', CORE_AUTH_URL: 'https://auth.example' },
    });
    try {
      const browser = await node.signIn('owner@acme.example');
      const email = address();
      const answers = [await invite(email, {}, browser), await act(open, 'resend', browser)];
      for (const answer of answers) {
        expect([answer.status, await answer.text()]).toEqual([
          403,
          expect.stringContaining('has to set CORE_AUTH_SMTP_URL and CORE_AUTH_MAIL_FROM first'),
        ]);
      }
      expect([await idOf(email), await lettersTo(email)]).toEqual(['', []]);
      expect(await lettersTo(open)).toHaveLength(1);
    } finally {
      await node.stop();
    }
  });

  it('whoever has an account signs in as the invited address, and joins; another address cannot', async () => {
    await invite('admin@globex.example');
    const link = await linkFor('admin@globex.example');
    const stranger = await world.browser().get(link);
    expect(await stranger.text()).toContain('Sign in to join');
    const other = await world.signIn('member@acme.example');
    expect(await (await other.get(link)).text()).toContain('You are signed in as member@acme.example');
    const token = new URL(link, world.url).searchParams.get('token') ?? '';
    const refused = await other.submit('/organization', '/invitation', { token });
    expect([refused.status, await refused.text()]).toEqual([
      403,
      expect.stringContaining('sent to another e-mail address'),
    ]);
    // nor does somebody without a session get an account of an address that has one
    const fields = { token, name: 'Ina Invited', password: PASSWORD };
    const nobody = await world.browser().submit('/sign-in', '/invitation', fields);
    expect([nobody.status, await nobody.text()]).toEqual([403, expect.stringContaining('Sign in to join')]);
    expect(await roleOf('admin@globex.example')).toBeUndefined();

    const invited = await world.signIn('admin@globex.example');
    const answer = await invited.submit(link, '/invitation', {});
    expect(pathTo(answer)).toBe('/organization?done=joined');
    expect(await roleOf('admin@globex.example')).toBe('member');
    // the switcher has both, and the session acts for the one that was joined
    expect(await (await invited.get('/organization')).text()).toContain('Acme Corporation');
    const choices = await (await invited.get('/choose-organization')).text();
    for (const name of ['Acme Corporation', 'Globex']) expect(choices).toContain(name);
    expect(await (await invited.get('/')).text()).toContain('Switch organization');
  });

  it('two clicks at once, on two nodes: one account, one membership, one acceptance', async () => {
    for (let round = 0; round < 6; round += 1) {
      const email = address();
      await invite(email);
      const link = await linkFor(email);
      const browser = world.browser();
      const form = hiddenFields(await (await browser.get(link)).text());
      const fields = { ...form, name: 'Ina', password: PASSWORD };
      const answers = await Promise.all([
        browser.clone().post('/invitation', fields),
        browser.at(second.url).post('/invitation', fields),
      ]);
      expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
      for (const { status } of answers) expect([303, 404, 409, 403]).toContain(status);
      const [row] = await query(sql`
        SELECT (SELECT count(*)::int FROM users WHERE email = ${email}) AS accounts,
               (SELECT count(*)::int FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.email = ${email})
                 AS memberships,
               (SELECT count(*)::int FROM audit_events a JOIN users u ON u.id::text = a.actor
                 WHERE u.email = ${email} AND a.act = 'invitation.accept') AS accepted,
               (SELECT count(*)::int FROM outbox b JOIN users u ON u.id::text = b.subject
                 WHERE u.email = ${email} AND b.kind = 'membership-changed') AS told`);
      expect(row).toEqual({ accounts: 1, memberships: 1, accepted: 1, told: 1 });
    }
  });

  it('a link that was used brings nobody back who was removed since, however late the second click comes', async () => {
    await world.createPerson('back@partners.example', 'Bea Back', {});
    const userId = world.id('back@partners.example');
    await invite('back@partners.example');
    const link = await linkFor('back@partners.example');
    const browser = await world.signIn('back@partners.example');
    const token = new URL(link, world.url).searchParams.get('token') ?? '';
    expect((await browser.submit(link, '/invitation', {})).status).toBe(303);
    await owner.submit('/organization/people', `/organization/people/${userId}/remove`, {});
    expect((await browser.submit('/choose-organization', '/invitation', { token })).status).toBe(404);
    // one that had looked at the link while it was good
    const actor = { id: userId, address: null, factor: 'pwd' };
    await expect(
      world.app
        .get(Database)
        .transaction((on) => world.app.get(InvitationAcceptanceRepository).accept(on, token, actor)),
    ).rejects.toMatchObject({ status: 404, code: 'invalid_invitation' });
    expect(await roleOf('back@partners.example')).toBeUndefined();
  });

  it('a link dies when it expires, is withdrawn, or is sent again; the new one is good', async () => {
    const [withdrawn, resent, expired] = [address(), address(), address()];
    await invite([withdrawn, resent, expired].join('\n'));
    const [first, old] = [await linkFor(withdrawn), await linkFor(resent)];
    expect(pathTo(await act(withdrawn, 'withdraw'))).toBe(`${PAGE}?done=withdrawn`);
    await unusable(first);
    expect((await act(withdrawn, 'withdraw')).status).toBe(404);
    expect(pathTo(await act(resent, 'resend'))).toBe(`${PAGE}?done=resent`);
    await unusable(old);
    const fresh = await linkFor(resent);
    expect((await world.browser().get(fresh)).status).toBe(200);

    world.clock.advance(A_WEEK - 1);
    expect((await world.browser().get(await linkFor(expired))).status).toBe(200);
    world.clock.advance(1);
    await unusable(await linkFor(expired));
    await unusable(fresh);
    await unusable(`/invitation?token=${'A'.repeat(43)}`);
    for (const path of [
      '/invitation',
      '/invitation?token=x',
      '/invitation?token=%00',
      '/invitation?token=a&token=b',
    ]) {
      expect([path, (await world.browser().get(path)).status]).toEqual([path, expect.any(Number)]);
      expect((await world.browser().get(path)).status).toBeLessThan(500);
    }
    owner = await world.signIn('owner@acme.example');
    // an expired one is listed, and can be sent again
    expect(await (await owner.get(PAGE)).text()).toContain('Expired');
    await act(expired, 'resend');
    expect((await world.browser().get(await linkFor(expired))).status).toBe(200);
  });

  it('a list of many addresses is answered line by line, and what was not sent is kept', async () => {
    const [good, plus] = [address(), 'a+b@new.example'];
    const answer = await invite(`${good}\n${plus}; nobody, ${good}\nmember@acme.example`);
    const text = await answer.text();
    expect(answer.status).toBe(200);
    expect(text).toContain('2 of 5 invited');
    for (const sentence of [
      'This is not an e-mail address.',
      'The address is there twice.',
      'This person belongs to the organization already.',
    ]) {
      expect(text).toContain(sentence);
    }
    expect(/<textarea[^>]*>([^<]*)</.exec(text)?.[1]).toBe(`nobody\n${good}\nmember@acme.example`);
    const again = await invite(good);
    expect([again.status, await again.text()]).toEqual([
      400,
      expect.stringContaining('This person is invited already'),
    ]);
    const many = Array.from({ length: 101 }, (_, index) => `m${index}@new.example`).join('\n');
    expect((await invite(many)).status).toBe(400);
    expect((await invite(' ')).status).toBe(400);
    expect(await lettersTo('m0@new.example')).toEqual([]);
    const hundred = await invite(
      Array.from({ length: 100 }, (_, index) => `h${index}@new.example`).join('\n'),
    );
    expect(await hundred.text()).toContain('100 of 100 invited');
    expect(await lettersTo('h99@new.example')).toHaveLength(1);
  });

  it.each([
    ['role', 'a role that is none', ['king'], 'Choose one of the roles.'],
    ['role', 'two roles', ['member', 'member'], 'Choose one of the roles.'],
    ['license_id', 'a license that is none', ['x'], 'Choose one of the licenses.'],
    ['license_id', 'two licenses', ['x', 'y'], 'Choose one of the licenses.'],
  ])('%s: %s is told beside its field, and the addresses are kept', async (field, _, values, sentence) => {
    await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 3 });
    const form = new URLSearchParams({
      ...hiddenFields(await (await owner.get(PAGE)).text()),
      addresses: 'kept-a@new.example\nkept-b@new.example',
    });
    for (const value of values) form.append(field, value);
    const answer = await owner.post(PAGE, form);
    expect(answer.status).toBe(400);
    const html = await answer.text();
    expect(html).toContain('kept-a@new.example\nkept-b@new.example</textarea>');
    expect(html).toMatch(new RegExp(`id="${field}-error">.*?${sentence}`));
    expect(await idOf('kept-a@new.example')).toBe('');
  });

  it('nobody is written to without end: five mails to an address, however they were asked for', async () => {
    const email = address();
    await invite(email);
    await act(email, 'resend');
    await act(email, 'resend');
    await act(email, 'withdraw');
    await anHourLater();
    await invite(email);
    await act(email, 'resend');
    const refused = await act(email, 'resend');
    expect([refused.status, await refused.text()]).toEqual([
      409,
      expect.stringContaining('has got 5 invitations'),
    ]);
    await act(email, 'withdraw');
    expect((await invite(email)).status).toBe(400);
    expect(await lettersTo(email)).toHaveLength(5);
  });

  it('three mails an hour go to one address, however many organizations invite it at once, on two nodes', async () => {
    const keys = ['one', 'two', 'three', 'four', 'five', 'six'];
    const ids = await Promise.all(keys.map((key) => world.createOrganization(`${key}-inc`, `Number ${key}`)));
    await world.createPerson('many@acme.example', 'Max Many', {
      ...Object.fromEntries(keys.map((key) => [`${key}-inc`, 'owner' as const])),
    });
    const by = { id: world.id('many@acme.example'), address: '192.0.2.1', factor: 'pwd' };
    const email = address();
    const all = () =>
      Promise.allSettled(
        ids.map((organizationId, index) =>
          (index % 2 ? world : second).app
            .get(Invitations)
            .invite({ organizationId, email, role: 'member' }, by),
        ),
      );
    const outcomes = await all();
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'too_many_mails' });
    }
    expect(await lettersTo(email)).toHaveLength(3);
    await anHourLater();
    await all();
    expect(await lettersTo(email)).toHaveLength(6);
  });

  it('one person invites 200 people an hour, and hears so', async () => {
    await world.createOrganization('busy', 'Busy');
    await world.createPerson('busy@acme.example', 'Berta Busy', { busy: 'owner' });
    const busy = await world.signIn('busy@acme.example');
    const post = async (prefix: string) => {
      const addresses = Array.from({ length: 100 }, (_, index) => `${prefix}${index}@new.example`).join('\n');
      return (await invite(addresses, {}, busy)).text();
    };
    expect(await post('a')).toContain('100 of 100 invited');
    expect(await post('b')).toContain('100 of 100 invited');
    expect(await post('c')).toContain('You have invited very many people within the hour.');
    expect(await lettersTo('b99@new.example')).toHaveLength(1);
    expect(await lettersTo('c0@new.example')).toEqual([]);
  });

  it('an administrator invites no owner, and the invitation of an owner is an owner’s', async () => {
    const admin = await world.signIn('admin@acme.example');
    const email = address();
    const refused = await invite(email, { role: 'owner' }, admin);
    expect([refused.status, await refused.text()]).toEqual([
      403,
      expect.stringContaining('Nobody gives or takes more than they have themselves'),
    ]);
    expect(await idOf(email)).toBe('');
    await invite(email, { role: 'owner' });
    const beyond = [403, expect.stringContaining('Nobody gives or takes more than they have themselves')];
    for (const what of ['withdraw', 'resend'] as const) {
      const answer = await act(email, what, admin);
      expect([answer.status, await answer.text()]).toEqual(beyond);
    }
    expect(await idOf(email)).not.toBe('');
    const bad = await invite(address(), { role: 'king' });
    expect([bad.status, await bad.text()]).toEqual([
      400,
      expect.stringContaining('Choose one of the roles.'),
    ]);
  });

  it('is good for as long as whoever sent it may give the role, and again when somebody who may has resent it', async () => {
    await world.createPerson('former@acme.example', 'Finn Former', { acme: 'owner' });
    const former = await world.signIn('former@acme.example');
    await world.createPerson('known@partners.example', 'Kim Known', {});
    const become = (role: string) =>
      query(sql`UPDATE memberships SET role = ${role} WHERE user_id = ${world.id('former@acme.example')}`);
    const [asOwner, asMember] = ['known@partners.example', address()];
    await invite(asOwner, { role: 'owner' }, former);
    await invite(asMember, {}, former);
    const known = await world.signIn(asOwner);
    const [toOwner, toMember] = [await linkFor(asOwner), await linkFor(asMember)];
    const token = (link: string) => new URL(link, world.url).searchParams.get('token') ?? '';
    const accept = () => known.submit('/choose-organization', '/invitation', { token: token(toOwner) });

    await become('administrator');
    await unusable(toOwner);
    expect((await accept()).status).toBe(404);
    expect((await world.browser().get(toMember)).status).toBe(200);

    const browser = world.browser();
    const form = hiddenFields(await (await browser.get(toMember)).text());
    await become('member');
    await unusable(toMember);
    const fields = { ...form, name: 'Ina', password: PASSWORD };
    expect((await browser.post('/invitation', fields)).status).toBe(404);
    // one that had looked at the links while they were good
    const acceptance = world.app.get(InvitationAcceptanceRepository);
    const { database, actor } = {
      database: world.app.get(Database),
      actor: { id: world.id(asOwner), address: null, factor: 'pwd' },
    };
    for (const late of [
      database.transaction((on) => acceptance.accept(on, token(toOwner), actor)),
      database.transaction((on) =>
        acceptance.acceptWithNewAccount(on, token(toMember), { name: 'Ina', passwordHash: 'none' }, null),
      ),
    ]) {
      await expect(late).rejects.toMatchObject({ status: 404, code: 'invalid_invitation' });
    }
    expect([await roleOf(asOwner), await roleOf(asMember)]).toEqual([undefined, undefined]);

    await act(asOwner, 'resend');
    expect((await known.submit(await linkFor(asOwner), '/invitation', {})).status).toBe(303);
    expect(await roleOf(asOwner)).toBe('owner');
    // a process is nobody whose authority could end
    await query(sql`UPDATE invitations SET invited_by = 'cli' WHERE email = ${asMember}`);
    expect((await acceptAnew(world.browser(), toMember)).status).toBe(303);
  });

  it('to a role of its own is good for as long as whoever sent it has the permissions of the role', async () => {
    const catalog = world.app.get(CatalogRepository);
    const permit = (role: Role, ...permissions: string[]) =>
      catalog.setPermissions({ moduleKey: 'projects', role, permissions }, 'test');
    await permit('owner', 'archive');
    await permit('administrator', 'archive');
    const acting = { id: world.id('owner@acme.example'), address: null, factor: 'pwd' };
    const draft = { name: 'Archivist', permissions: ['projects:archive'] };
    const role = `custom:${await world.app.get(RoleRepository).create(world.id('acme'), draft, acting)}`;
    const admin = await world.signIn('admin@acme.example');
    const [one, two] = [address(), address()];
    for (const email of [one, two]) expect((await invite(email, { role }, admin)).status).toBe(200);
    const before = await linkFor(one);
    expect((await world.browser().get(before)).status).toBe(200);
    await permit('administrator');
    await unusable(before);
    const again = await act(one, 'resend', admin);
    expect([again.status, await again.text()]).toEqual([
      403,
      expect.stringContaining('Nobody gives or takes more than they have themselves'),
    ]);
    // of one who had looked at the link while it was good
    const acceptance = world.app.get(InvitationAcceptanceRepository);
    const token = new URL(before, world.url).searchParams.get('token') ?? '';
    await expect(
      world.app
        .get(Database)
        .transaction((on) =>
          acceptance.acceptWithNewAccount(on, token, { name: 'Ina', passwordHash: 'none' }, null),
        ),
    ).rejects.toMatchObject({ code: 'invalid_invitation' });
    expect((await act(one, 'resend')).status).toBe(303);
    expect((await acceptAnew(world.browser(), await linkFor(one))).status).toBe(303);
    expect(await roleOf(one)).toBe('member');
    // what nobody has any more is nothing that would be given
    await permit('owner');
    expect((await acceptAnew(world.browser(), await linkFor(two))).status).toBe(303);
  });

  it('with a seat and without, sent, sent again, withdrawn and accepted at once on two nodes wait for each other, not for ever', async () => {
    for (let round = 0; round < 4; round += 1) {
      const licenseId = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 20 });
      const nodes = [world, second].map(({ app }) => app.get(Invitations));
      const nodeFor = (index: number) => nodes[index % 2] as Invitations;
      const organizationId = world.id('acme');
      const acting = { id: world.id('owner@acme.example'), address: null, factor: 'pwd' };
      const wish = (index: number) => ({
        organizationId,
        email: address(),
        role: 'member' as const,
        licenseId: index % 2 === 0 ? licenseId : undefined,
      });
      const sent = await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          const wished = wish(index);
          return { ...wished, ...(await nodeFor(index).invite(wished, acting)) };
        }),
      );
      const secrets = await Promise.all(
        sent.map(async ({ email }) => secretIn((await lettersTo(email)).at(-1))),
      );
      const person = { name: 'Ina', passwordHash: 'none' };
      const outcomes = await Promise.allSettled([
        ...Array.from({ length: 8 }, (_, index) => nodeFor(index).invite(wish(index), acting)),
        // to the same people once more
        ...sent.map(({ email }, index) =>
          nodeFor(index).invite({ organizationId, email, role: 'member' }, acting),
        ),
        ...sent.map(({ id }, index) => nodeFor(index + 1).resend(id, organizationId, acting)),
        ...sent.map(({ id }, index) => nodeFor(index).withdraw(id, organizationId, acting)),
        ...sent.map(({ licenseId: seat }, index) =>
          nodeFor(index + 1).acceptWithNewAccount(secrets[index] ?? '', seat, person, '192.0.2.1'),
        ),
        ...Array.from({ length: 4 }, (_, index) =>
          world.app
            .get(SeatRepository)
            .assignSeat(licenseId, world.id('admin@acme.example'), `test-${index}`),
        ),
      ]);
      const odd = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' && !(outcome.reason instanceof PublicError) ? [outcome.reason] : [],
      );
      expect(odd).toEqual([]);
      // a seat is kept for each open invitation that came with one, and for nobody else
      const [kept] = await query(sql`
        SELECT (SELECT array_agg(invitation_id ORDER BY invitation_id) FROM seat_reservations
                 WHERE license_id = ${licenseId}) IS NOT DISTINCT FROM
               (SELECT array_agg(id ORDER BY id) FROM invitations
                 WHERE license_id = ${licenseId} AND accepted_at IS NULL AND withdrawn_at IS NULL) AS right`);
      expect(kept).toEqual({ right: true });
    }
  });

  it('accepted with its seat while the same person is invited once more, nobody waits for ever', async () => {
    const licenseId = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 20 });
    const [one, other] = [world, second].map(({ app }) => app.get(Invitations)) as [Invitations, Invitations];
    const acting = { id: world.id('owner@acme.example'), address: null, factor: 'pwd' };
    for (let round = 0; round < 12; round += 1) {
      const wish = { organizationId: world.id('acme'), email: address(), role: 'member' as const };
      await one.invite({ ...wish, licenseId }, acting);
      const secret = secretIn((await lettersTo(wish.email)).at(-1));
      const person = { name: 'Ina', passwordHash: 'none' };
      const [accepted, ...refused] = await Promise.allSettled([
        one.acceptWithNewAccount(secret, licenseId, person, '192.0.2.1'),
        ...Array.from({ length: 6 }, () => other.invite(wish, acting)),
      ]);
      expect(accepted).toMatchObject({ status: 'fulfilled', value: { seatMissed: false } });
      const codes = refused.map((result) =>
        result.status === 'rejected' ? (result.reason as { code?: string }).code : 'invited',
      );
      expect(codes).toEqual(codes.map(() => expect.stringMatching(/^already_(invited|member)$/)));
    }
  });

  describe('with a seat', () => {
    let license: string;
    const withSeat = () => ({ license_id: license });
    beforeAll(async () => {
      license = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
    });

    it('it is kept from the invitation on, becomes theirs at acceptance, and is free again after a withdrawal', async () => {
      const [first, next] = [address(), address()];
      await invite(first, withSeat());
      expect(await reserved(license)).toEqual({ reserved: 1, seated: 0 });
      const full = await invite(next, withSeat());
      expect([full.status, await full.text()]).toEqual([
        400,
        expect.stringContaining('All seats of this license are taken.'),
      ]);
      expect(await idOf(next)).toBe('');
      await act(first, 'resend');
      expect(await reserved(license)).toEqual({ reserved: 1, seated: 0 });
      await act(first, 'withdraw');
      expect(await reserved(license)).toEqual({ reserved: 0, seated: 0 });
      await invite(next, withSeat());
      const answer = await acceptAnew(world.browser(), await linkFor(next));
      expect(pathTo(answer)).toBe('/organization?done=joined');
      expect(await reserved(license)).toEqual({ reserved: 0, seated: 1 });
    });

    it('a license that has ended is offered no more', async () => {
      const ended = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
      const offered = async () => (await (await owner.get(PAGE)).text()).includes(`value="${ended}"`);
      expect(await offered()).toBe(true);
      await query(sql`
        UPDATE licenses SET starts_at = '2020-01-01', ends_at = '2021-01-01', grace_days = 0 WHERE id = ${ended}`);
      expect(await offered()).toBe(false);
    });

    it('who accepts when the seat is not to be had any more joins without it, and is told', async () => {
      const email = address();
      license = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
      await invite(email, withSeat());
      await query(sql`UPDATE licenses SET status = 'revoked' WHERE id = ${license}`);
      const answer = await acceptAnew(world.browser(), await linkFor(email));
      expect(pathTo(answer)).toBe('/organization?done=joined-without-seat');
      expect(await roleOf(email)).toBe('member');
      expect(await reserved(license)).toEqual({ reserved: 0, seated: 0 });
    });

    it('of many who are invited to the last seat at once, on two nodes, one is', async () => {
      for (let round = 0; round < 3; round += 1) {
        license = await world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
        const form = hiddenFields(await (await owner.get(PAGE)).text());
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, index) =>
            (index % 2 === 0 ? owner : owner.at(second.url)).post(PAGE, {
              ...form,
              addresses: address(),
              role: 'member',
              ...withSeat(),
            }),
          ),
        );
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400, 400, 400]);
        expect(await reserved(license)).toEqual({ reserved: 1, seated: 0 });
      }
    });
  });

  it('a bad name or password is told beside its field, and what was typed is kept but for the password', async () => {
    const email = address();
    await invite(email);
    const link = await linkFor(email);
    const answer = await acceptAnew(world.browser(), link, { name: 'Ina <b>', password: 'a short one' });
    const text = await answer.text();
    expect(answer.status).toBe(400);
    expect(text).toContain('Choose a password of at least 15 characters');
    expect(text).toContain('value="Ina &lt;b>"');
    expect(text).not.toContain('a short one');
    expect((await acceptAnew(world.browser(), link, { name: 'A\u202eB' })).status).toBe(400);
    expect((await acceptAnew(world.browser(), link)).status).toBe(303);
  });

  it('a password made of what the organization is called is refused, as it is to who belongs to it', async () => {
    await query(sql`UPDATE organizations SET name = 'Acme Corporation' WHERE key = 'acme'`);
    const email = address();
    await invite(email);
    const link = await linkFor(email);
    expect(await (await world.browser().get(link)).text()).toContain('acme corporation');
    for (const password of ['Acme Corporation', 'acmecorporation', 'acme acme acme 1']) {
      const answer = await acceptAnew(world.browser(), link, { password });
      expect([password, answer.status]).toEqual([password, 400]);
      expect(await answer.text()).toContain('made of your name, your address, your organization');
    }
    expect(await roleOf(email)).toBeUndefined();
    expect((await acceptAnew(world.browser(), link)).status).toBe(303);
  });
});
