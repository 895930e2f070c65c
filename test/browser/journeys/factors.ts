import { expect, it } from '@jest/globals';
import { totpCode, totpStep } from '#sessions';
import { secretOn } from '../../support/factors.js';
import { VirtualAuthenticator } from '../virtual-authenticator.js';
import type { Town } from './town.js';
import type { Visitor } from './visitor.js';

/** Sets an app up on the page that offers it. */
export async function setUpApp(visitor: Visitor): Promise<void> {
  const secret = secretOn(await visitor.page.content());
  await visitor.fill('Code that the app shows now', totpCode(secret, totpStep(new Date())));
  await visitor.press('Confirm');
  expect(await visitor.heading()).toBe('Your authenticator app is set up');
}

/** Adds a passkey that this browser holds. */
export async function addPasskey(visitor: Visitor, name: string): Promise<void> {
  await visitor.fill('Name of the new passkey', name);
  await visitor.press('Add a passkey');
  expect(await visitor.heading()).toBe('Your passkey was added');
}

async function recoveryCodes({ page }: Visitor): Promise<string[]> {
  return page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts();
}

async function useRecoveryCode(visitor: Visitor, code: string | undefined): Promise<void> {
  const field = visitor.page.getByLabel('Recovery code', { exact: true });
  if (!(await field.isVisible())) await visitor.unfold('Use a recovery code instead');
  await visitor.fill('Recovery code', code ?? '');
  await visitor.press('Use the recovery code');
}

/** What is asked beside the password. */
export function factorStories(town: Town): void {
  it('who has lost the app comes in by a recovery code, sets up another app, and makes new codes in place of the old', async () => {
    const { system } = town;
    await system.addPerson('fay@acme.example', 'Fay Torres', { acme: 'member' });
    const fay = await town.signedIn('fay@acme.example');
    await fay.go('/account');
    await fay.follow('Protect your account');
    await fay.follow('Set up an authenticator app');
    await setUpApp(fay);
    const codes = await recoveryCodes(fay);
    expect(codes).toHaveLength(10);
    await fay.follow('I have kept them: continue');

    const later = await town.signedIn('fay@acme.example');
    expect(await later.heading()).toBe('Second step');
    await useRecoveryCode(later, codes[0]);
    expect(await later.heading()).toBe('Welcome, Fay Torres');
    await later.go('/account/security');
    expect(await later.reads('You have 9 left.')).toBe(true);
    await later.follow('Set up another app in its place');
    expect(await later.reads('The app that you have now stops working once this one is confirmed.')).toBe(
      true,
    );
    await setUpApp(later);
    await later.follow('Continue');
    await later.press('Make new recovery codes');
    const fresh = await recoveryCodes(later);
    expect(new Set([...codes, ...fresh]).size).toBe(20);
    await later.signOut();

    await later.go('/sign-in');
    await later.signIn('fay@acme.example');
    await useRecoveryCode(later, codes[1]);
    expect(await later.refusal()).toContain('The code is not right.');
    await useRecoveryCode(later, fresh[0]);
    expect(await later.heading()).toBe('Welcome, Fay Torres');
    const subjects = await later.mailsTo('fay@acme.example');
    expect(subjects.length).toBeGreaterThan(3);
  }, 60_000);

  it('a browser that is remembered asks for the password alone until that changes, and no other browser does', async () => {
    const { system } = town;
    await system.addPerson('rem@acme.example', 'Rem Okoye', { acme: 'member' });
    const rem = await town.signedIn('rem@acme.example');
    await VirtualAuthenticator.in(rem.page);
    await rem.page.addInitScript('PublicKeyCredential.isConditionalMediationAvailable = async () => false');
    await rem.go('/account/security');
    await addPasskey(rem, 'Telephone');
    await rem.signOut();
    await rem.go('/sign-in');
    await rem.signIn('rem@acme.example');
    await rem.page.getByLabel('Do not ask again in this browser for 30 days').check();
    await rem.press('Use a passkey');
    expect(await rem.heading()).toBe('Welcome, Rem Okoye');
    await rem.signOut();
    await rem.go('/sign-in');
    await rem.signIn('rem@acme.example');
    expect(await rem.heading()).toBe('Welcome, Rem Okoye');

    const other = await town.signedIn('rem@acme.example');
    expect(await other.heading()).toBe('Second step');
    await rem.go('/account/password');
    // a remembered browser is no second factor: a sensitive act asks for it, and leads back
    expect(await rem.heading()).toBe('Second step');
    await rem.press('Use a passkey');
    expect(await rem.heading()).toBe('Change your password');
    await rem.fill('Current password', system.password);
    await rem.fill('New password', 'nineteen quiet pelicans');
    await rem.press('Change the password');
    await rem.signOut();
    await rem.go('/sign-in');
    await rem.signIn('rem@acme.example', 'nineteen quiet pelicans');
    expect(await rem.heading()).toBe('Second step');
  }, 60_000);

  it('before a sensitive act somebody who signed in long ago does so again, and is back at the form', async () => {
    const { system } = town;
    await system.addPerson('stan@acme.example', 'Stan Keller', { acme: 'member' });
    const stan = await town.signedIn('stan@acme.example');
    await stan.go('/account/address');
    await stan.fill('New e-mail address', 'stan.keller@acme.example');
    await stan.fill('Current password', system.password);
    await system.backdateSessions('stan@acme.example', 20);
    await stan.press('Send the mail');
    expect(await stan.heading()).toBe('Sign in');
    expect(await stan.reads('You signed in a while ago.')).toBe(true);
    expect(await stan.page.getByLabel('E-mail address').inputValue()).toBe('stan@acme.example');
    await stan.fill('Password', system.password);
    await stan.press('Sign in');
    expect(await stan.heading()).toBe('Change your e-mail address');
    await stan.fill('New e-mail address', 'stan.keller@acme.example');
    await stan.fill('Current password', system.password);
    await stan.press('Send the mail');
    expect(await stan.heading()).toBe('Look into your mailbox');
  }, 60_000);
}
