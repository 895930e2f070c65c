import { expect, it } from '@jest/globals';
import { callRegistration } from '../../support/registering.js';
import { CONSULTANT, MEMBER } from '../person.js';
import { CALLBACK, type PageVisitor } from './page-visitor.js';

/** The launcher, what leads to it and away from it. */
export function launcherPages(visitor: PageVisitor): void {
  it('choose organization, launcher, license refusal', async () => {
    const { page, person, system } = visitor;
    await visitor.signIn(CONSULTANT);
    await visitor.look('choose-organization');
    await person.chooseOrganization('Globex');
    await visitor.look('launcher-globex');
    await page.goto(`${system.reports}/auth/sign-in`);
    await visitor.look('license-refused');
  }, 60_000);

  it('launcher, sign-out question, signed out', async () => {
    const { page, system } = visitor;
    await visitor.signIn(MEMBER);
    await visitor.look('launcher');
    await page.goto(`${system.server}/sign-out`);
    await visitor.look('sign-out');
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.waitForURL(`${system.server}/signed-out`);
    await visitor.look('signed-out');
    await page.goto(await leavingSelfMadeClient(system.server));
    await page.getByRole('link', { name: 'Go on to calendar.example' }).waitFor();
    await visitor.look('signed-out-leads-elsewhere');
  }, 60_000);

  it('a member without a license, in the launcher and on the way to the module', async () => {
    const { page, person, system } = visitor;
    await visitor.signIn('member@globex.example');
    const closed = page.getByRole('listitem').filter({ hasText: 'Not available' });
    expect(await closed.innerText()).toMatch(/Reports[\s\S]*Ask Grace Lindholm/);
    await visitor.look('launcher-member');
    await page.goto(`${system.reports}/auth/sign-in`);
    expect(await person.heading()).toBe('Reports is not included');
    const ask = page.getByRole('link', { name: 'admin@globex.example' });
    expect(await ask.getAttribute('href')).toMatch(/^mailto:admin@globex\.example/);
    await visitor.look('license-refused-member');
  }, 60_000);

  it('an administrator without a license, in the launcher and on the way to the module', async () => {
    const { page, system } = visitor;
    await visitor.signIn('admin@globex.example');
    expect(await page.getByText('Ask the supplier to add it.').isVisible()).toBe(true);
    await visitor.look('launcher-administrator');
    await page.goto(`${system.reports}/auth/sign-in`);
    expect(await page.getByRole('link', { name: 'See the licenses' }).isVisible()).toBe(true);
    await visitor.look('license-refused-administrator');
  }, 60_000);
}

/** Where a client that registered itself sends a browser, to be led to its own address. */
async function leavingSelfMadeClient(server: string): Promise<string> {
  const leadsTo = 'https://calendar.example/signed-out';
  const { body } = await callRegistration(`${server}/oauth2/register`, {
    body: { client_name: 'Team Calendar', redirect_uris: [CALLBACK], post_logout_redirect_uris: [leadsTo] },
  });
  const fields = { client_id: String(body['client_id']), post_logout_redirect_uri: leadsTo };
  return `${server}/oauth2/logout?${new URLSearchParams(fields)}`;
}
