import { expect, it } from '@jest/globals';
import { MEMBER } from '../person.js';
import { type PageVisitor } from './page-visitor.js';

/** The pages on the way to a session. */
export function signInPages(visitor: PageVisitor): void {
  it('sign-in, before and after a wrong password', async () => {
    const { page, system } = visitor;
    await page.goto(system.server);
    await visitor.look('sign-in');
    await page.getByLabel('E-mail address').fill(MEMBER);
    const password = page.getByLabel('Password');
    await password.fill('not the password at all');
    await page.getByRole('button', { name: 'Show password' }).click();
    expect(await password.getAttribute('type')).toBe('text');
    await page.getByRole('button', { name: 'Hide password' }).click();
    expect(await password.getAttribute('type')).toBe('password');
    await page.getByRole('button', { name: 'Show password' }).click();
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').waitFor();
    await visitor.look('sign-in-refused');
  }, 60_000);

  it('sign-in that has to wait, the link that ends the wait, and a link that does not', async () => {
    const { page, system } = visitor;
    await page.goto(`${system.server}/sign-in`);
    for (let failure = 0; failure <= 5; failure += 1) {
      await page.getByLabel('E-mail address').fill('nobody@acme.example');
      await page.getByLabel('Password').fill('not the password at all');
      const answer = page.waitForResponse((response) => response.request().method() === 'POST');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await (await answer).finished();
    }
    await page.getByText('Too many attempts').waitFor();
    expect(await page.getByRole('alert').innerText()).toContain('Try again in 1 minute.');
    await visitor.look('sign-in-paused');
    const link = await system.unlockLink(MEMBER);
    await page.goto(system.server + link);
    await visitor.look('unlock');
    await page.getByRole('button', { name: 'End the pause' }).click();
    await page.waitForURL(`${system.server}/unlocked`);
    await visitor.look('unlocked');
    await page.goto(system.server + link);
    await page.getByRole('alert').waitFor();
    await visitor.look('unlock-refused');
  }, 90_000);

  it('sign-in on the way to a module', async () => {
    const { page, system } = visitor;
    await page.goto(system.projects);
    expect(await page.getByText('continue to Projects').isVisible()).toBe(true);
    await visitor.look('sign-in-for-module');
  }, 60_000);

  it('registration: address, mail, name and password, with a hint while it is typed', async () => {
    const { page, system } = visitor;
    await page.goto(`${system.server}/sign-in`);
    await page.getByRole('link', { name: 'Make an account' }).click();
    await visitor.look('register');
    await page.getByLabel('E-mail address').fill('no address');
    await page.getByRole('button', { name: 'Send the mail' }).click();
    await page.getByRole('alert').waitFor();
    await visitor.look('register-refused');
    await page.getByLabel('E-mail address').fill('nora@new.example');
    await page.getByRole('button', { name: 'Send the mail' }).click();
    await page.waitForURL(`${system.server}/register/sent`);
    await visitor.look('register-sent');
    await page.goto(`${system.server}/mailbox`);
    await visitor.look('mailbox');
    await visitor.followMail('Make the account');
    await visitor.look('register-complete');
    const hint = page.locator('#password-hint');
    await page.getByLabel('Your name').fill('Nora Newcomer');
    await page.getByLabel('Password').fill('seven words');
    expect(await hint.innerText()).toBe('Too short: 11 of at least 15 characters.');
    await page.getByLabel('Password').fill('newcomer-nora-newcomer');
    expect(await hint.innerText()).toContain('Weak: it is made of your name');
    await page.getByLabel('Password').fill('newcomer-nora-new');
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('alert').waitFor();
    await visitor.look('register-complete-refused');
    expect(await page.getByLabel('Your name').inputValue()).toBe('Nora Newcomer');
    await page.getByLabel('Password').fill('nineteen quiet pelicans');
    expect(await hint.innerText()).toContain('Long enough: 23 characters.');
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.waitForURL(`${system.server}/choose-organization`);
    await visitor.look('no-organization');
    await page.goto(`${system.reports}/auth/sign-in`);
    await visitor.look('no-organization-for-application');
    await page.getByRole('button', { name: 'Back to Reports' }).click();
    await page.waitForURL(`${system.reports}/**`);
    await page.goto(`${system.server}/register/complete?token=used`);
    await visitor.look('dead-link');
  }, 120_000);

  it('a forgotten password, from the sign-in page to the new one', async () => {
    const { page, system } = visitor;
    await page.goto(`${system.server}/sign-in`);
    await page.getByRole('link', { name: 'Forgotten your password?' }).click();
    await visitor.look('forgot-password');
    await page.getByLabel('E-mail address').fill('administrator@acme.example');
    await page.getByRole('button', { name: 'Send the mail' }).click();
    await page.waitForURL(`${system.server}/forgot-password/sent`);
    await visitor.look('forgot-password-sent');
    await visitor.followMail('Choose a new password');
    await page.getByLabel('New password', { exact: true }).fill('acme-administrator');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByRole('alert').waitFor();
    await visitor.look('reset-password-refused');
    await page.getByLabel('New password', { exact: true }).fill('nineteen quiet pelicans');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.waitForURL(`${system.server}/reset-password/done`);
    await visitor.look('reset-password-done');
  }, 90_000);
}
