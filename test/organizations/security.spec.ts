import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Database, sql } from '#platform';
import { SecondFactorRuleRepository, SessionLimitsRepository } from '#sessions';
import { pathTo } from '../support/answers.js';
import { setUpApp } from '../support/factors.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { World } from '../support/world.js';

jest.setTimeout(60_000);

const SETTINGS = '/organization/settings';
const MINUTE = 60_000;

describe('how people sign in who act for an organization', () => {
  let world: World;
  let owner: HttpBrowser;

  beforeAll(async () => {
    world = await World.start();
    owner = await world.signIn('owner@acme.example');
  });
  afterAll(() => world.stop());

  const secondFactor = (browser: HttpBrowser, required: 'yes' | 'no' | 'perhaps') =>
    browser.submit(SETTINGS, `${SETTINGS}/second-factor`, { required });
  const limit = (browser: HttpBrowser, idle: string, absolute: string) =>
    browser.submit(SETTINGS, `${SETTINGS}/sessions`, { idle_minutes: idle, absolute_minutes: absolute });
  const rule = () => world.app.get(SecondFactorRuleRepository).of(world.id('acme'));
  const limits = () => world.app.get(SessionLimitsRepository).of(world.id('acme'));
  const audited = () =>
    world.app.get(Database).query(sql`
      SELECT act, actor, target, factor, address IS NOT NULL AS addressed FROM audit_events
       WHERE organization_id = ${world.id('acme')}
         AND act IN ('organization.require-second-factor', 'organization.waive-second-factor',
                     'organization.limit-sessions')
       ORDER BY id`);

  it('who has no second factor is asked to add one before asking it of the others', async () => {
    const page = await (await owner.get(SETTINGS)).text();
    expect(page).toContain('3 of 3 members have none yet.');
    expect(page).toContain('/account/security?return_to=%2Forganization%2Fsettings');
    expect(page).not.toContain('Ask for a second factor');
    const answer = await secondFactor(owner, 'yes');
    expect([answer.status, await answer.text()]).toEqual([
      409,
      expect.stringContaining('Add a passkey or an authenticator app to your own account first'),
    ]);
    expect([await rule(), await audited()]).toEqual([{ required: false, people: 3, without: 3 }, []]);
  });

  it('the rule says whom it reaches, and holds a member to it at their next act', async () => {
    const { client, browser: member, tokens } = await world.signedInClient('member@acme.example');
    const consultant = await world.signIn('consultant@partners.example');
    await consultant.submit('/choose-organization', '/choose-organization', {
      organization_id: world.id('globex'),
    });
    await setUpApp(world, owner);
    const page = await (await owner.get(SETTINGS)).text();
    expect(page).toContain(
      '<a href="/organization/people">2 of 3 members have none yet.</a> With the rule they add one before they next act',
    );
    const people = await (await owner.get('/organization/people')).text();
    expect(people.match(/No second factor/g)).toHaveLength(2);
    expect(pathTo(await secondFactor(owner, 'yes'))).toBe(`${SETTINGS}?done=second-factor`);
    expect(await (await owner.get(`${SETTINGS}?done=second-factor`)).text()).toContain('The rule was saved.');
    // at once: the session that there is, and what an application held
    expect(pathTo(await member.get('/organization'))).toBe('/step-up?return_to=%2Forganization');
    expect(await (await member.get('/step-up?return_to=/organization')).text()).toContain(
      'Acme Corporation asks for more than a password',
    );
    expect((await world.refresh(client, tokens.refresh_token)).status).toBe(400);
    expect((await world.introspect(client, tokens.access_token)).body).toEqual({ active: false });
    // who acts for another organization is not asked
    expect((await consultant.get('/organization')).status).toBe(200);
    await setUpApp(world, member);
    expect((await member.get('/organization')).status).toBe(200);
    expect(await rule()).toEqual({ required: true, people: 3, without: 1 });
    expect(await (await owner.get(SETTINGS)).text()).toContain(
      '1 of 3 members has none yet.</a> Whoever has none',
    );
  });

  it('is lifted by whom it holds for, and both stand in the audit trail with who did it and how', async () => {
    expect(pathTo(await secondFactor(owner, 'no'))).toBe(`${SETTINGS}?done=second-factor`);
    expect(await rule()).toMatchObject({ required: false });
    expect((await secondFactor(owner, 'perhaps')).status).toBe(400);
    const row = {
      actor: world.id('owner@acme.example'),
      target: world.id('acme'),
      factor: 'pwd otp mfa',
      addressed: true,
    };
    expect(await audited()).toEqual([
      { act: 'organization.require-second-factor', ...row },
      { act: 'organization.waive-second-factor', ...row },
    ]);
  });

  it('sessions end earlier by its limits, those included that there are', async () => {
    const member = await world.signIn('consultant@partners.example');
    await member.submit('/choose-organization', '/choose-organization', {
      organization_id: world.id('acme'),
    });
    const elsewhere = await world.signIn('admin@globex.example');
    expect(pathTo(await limit(owner, ' 10 ', ''))).toBe(`${SETTINGS}?done=sessions`);
    expect(await limits()).toEqual({ idleSeconds: 600, absoluteSeconds: null });
    expect(await (await owner.get(SETTINGS)).text()).toContain('value="10"');
    world.clock.advance(9 * MINUTE);
    expect((await owner.get('/organization')).status).toBe(200);
    world.clock.advance(2 * MINUTE);
    expect(pathTo(await member.get('/organization'))).toMatch(/^\/sign-in/);
    expect((await elsewhere.get('/organization')).status).toBe(200);
    expect((await owner.get('/organization')).status).toBe(200);
    expect(pathTo(await limit(owner, '', ''))).toBe(`${SETTINGS}?done=sessions`);
    expect(await limits()).toEqual({ idleSeconds: null, absoluteSeconds: null });
    expect((await audited()).slice(2)).toMatchObject([
      { act: 'organization.limit-sessions', actor: world.id('owner@acme.example') },
      { act: 'organization.limit-sessions', actor: world.id('owner@acme.example') },
    ]);
  });

  it.each([
    ['61', '', 'A session can end without use after 5 to 60 minutes'],
    ['', '4', 'A session can end in any case after 5 to 1440 minutes'],
    ['ten', '', 'Enter the minutes without use as a whole number'],
    ['', '1.5', 'Enter the minutes in any case as a whole number'],
    ['', '-5', 'Enter the minutes in any case as a whole number'],
    ['9'.repeat(200), '', 'Enter minutes as a whole number.'],
  ])(
    'limits of "%s" and "%s" are refused with a sentence, and nothing is changed',
    async (idle, absolute, sentence) => {
      const before = await limits();
      const answer = await limit(owner, idle, absolute);
      const text = await answer.text();
      expect([answer.status, text]).toEqual([400, expect.stringContaining(sentence)]);
      if (idle.length < 10) expect(text).toContain(`value="${idle === '' ? absolute : idle}"`);
      expect(await limits()).toEqual(before);
    },
  );

  it('needs a sign-in of the last quarter of an hour', async () => {
    const before = [await rule(), await limits()];
    await owner.get('/organization');
    world.clock.advance(15 * MINUTE);
    for (const answer of [await secondFactor(owner, 'yes'), await limit(owner, '10', '')]) {
      expect(pathTo(answer)).toBe('/step-up?return_to=%2Forganization%2Fsettings');
    }
    expect([await rule(), await limits()]).toEqual(before);
  });

  it('is decided by the role that the actor has when it happens', async () => {
    const by = { id: world.id('member@acme.example'), address: '192.0.2.1', factor: 'pwd otp mfa' };
    const before = [await rule(), await limits()];
    await expect(
      world.app.get(SecondFactorRuleRepository).set(world.id('acme'), true, by),
    ).rejects.toMatchObject({
      code: 'access_denied',
    });
    await expect(
      world.app
        .get(SessionLimitsRepository)
        .set(world.id('acme'), { idleSeconds: 600, absoluteSeconds: null }, by),
    ).rejects.toMatchObject({ code: 'access_denied' });
    expect([await rule(), await limits()]).toEqual(before);
  });
});
