import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { totpCode, totpStep } from '#sessions';
import { eventually } from '../support/answers.js';
import { chromium } from '../support/chromium.js';
import { secretOn } from '../support/factors.js';
import { MEMBER, OWNER, Person } from './person.js';
import { RunningSystem } from './running-system.js';
import { VirtualAuthenticator } from './virtual-authenticator.js';
import { WatchedContext } from './watched-context.js';

describe('second factors and passkeys in a browser', () => {
  let system: RunningSystem;
  let browser: Browser;
  let watched: WatchedContext;

  beforeAll(async () => {
    system = await RunningSystem.start();
    browser = await chromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  afterEach(async () => {
    await watched?.close();
    expect(watched.complaints).toEqual([]);
  });

  const open = async (options: BrowserContextOptions = {}): Promise<Page> => {
    watched = await WatchedContext.open(browser, system.hosts, options);
    return watched.page();
  };
  const enterPassword = async (page: Page, email: string): Promise<void> => {
    await page.goto(`${system.server}/sign-in`);
    await new Person(page, system).signIn(email);
  };
  const signOut = async (page: Page): Promise<void> => {
    await page.goto(`${system.server}/account`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.server}/signed-out`);
  };
  const heading = (page: Page) => new Person(page, system).heading();
  const go = async (page: Page, button: string, path: string): Promise<void> => {
    await page.getByRole('button', { name: button }).click();
    await page.waitForURL(({ pathname }) => pathname === path);
  };

  it('an authenticator app without JavaScript: set up, used, a recovery code, removed', async () => {
    const page = await open({ javaScriptEnabled: false });
    await enterPassword(page, OWNER);
    await page.goto(`${system.server}/account`);
    await page.getByRole('link', { name: 'Protect your account' }).click();
    await page.getByRole('link', { name: 'Set up an authenticator app' }).click();
    expect(await page.getByRole('img', { name: 'QR code for your authenticator app' }).isVisible()).toBe(
      true,
    );
    const secret = secretOn(await page.content());
    // the older of the two codes that are good now leaves the newer one for the sign-in: no half minute has to pass
    const first = totpStep(new Date(Date.now() - 23_000));
    await page.getByLabel('Code that the app shows now').fill(totpCode(secret, first));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('heading', { name: 'Your authenticator app is set up' }).waitFor();
    const codes = await page
      .getByRole('list', { name: 'Recovery codes' })
      .getByRole('listitem')
      .allInnerTexts();
    expect(codes).toHaveLength(10);
    await signOut(page);

    await enterPassword(page, OWNER);
    expect(await heading(page)).toBe('Second step');
    await page.getByLabel('Code of your authenticator app').fill('000000');
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(await page.getByRole('alert').first().innerText()).toContain('The code is not right.');
    await eventually(
      () => (totpStep(new Date(Date.now() + 4000)) > first ? true : undefined),
      'a second code that is good',
    );
    await page.getByLabel('Code of your authenticator app').fill(totpCode(secret, first + 1));
    await go(page, 'Continue', '/');
    await signOut(page);

    await enterPassword(page, OWNER);
    await page.getByText('Use a recovery code instead').click();
    await page.getByLabel('Recovery code').fill(codes[3] ?? '');
    await go(page, 'Use the recovery code', '/');
    await page.goto(`${system.server}/account/security`);
    expect(await page.getByText('You have 9 left.').isVisible()).toBe(true);
    await page.getByText('Remove the authenticator app').click();
    await page.getByRole('button', { name: 'Remove it for good' }).click();
    expect(await page.getByRole('status').innerText()).toContain('The authenticator app was removed.');
    await signOut(page);
    await enterPassword(page, OWNER);
    expect(new URL(page.url()).pathname).toBe('/');
  }, 90_000);

  it('a passkey: added, used after the password and alone, renamed, removed', async () => {
    const page = await open();
    // nothing is picked in the field of the address meanwhile
    await page.addInitScript('PublicKeyCredential.isConditionalMediationAvailable = async () => false');
    const authenticator = await VirtualAuthenticator.in(page);
    await enterPassword(page, MEMBER);
    await page.goto(`${system.server}/account/security`);
    await page.getByLabel('Name of the new passkey').fill('Telephone');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('heading', { name: 'Your passkey was added' }).waitFor();
    expect(await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').count()).toBe(10);
    expect(await authenticator.count()).toBe(1);

    await signOut(page);
    await enterPassword(page, MEMBER);
    expect(await heading(page)).toBe('Second step');
    await go(page, 'Use a passkey', '/');

    await signOut(page);
    await page.goto(`${system.server}/account/security`);
    expect(new URL(page.url()).pathname).toBe('/sign-in');
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.waitForURL(`${system.server}/account/security`);

    await page.getByText('Rename Telephone').click();
    await page.getByLabel('New name').fill('Work telephone');
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('heading', { name: 'Work telephone' }).waitFor();
    await page.getByText('Remove Work telephone').click();
    await page.getByRole('button', { name: 'Remove it for good' }).click();
    await page.getByText('The passkey was removed.').waitFor();

    await signOut(page);
    await page.goto(`${system.server}/sign-in`);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByText('This passkey was not accepted').waitFor();
  }, 90_000);

  it('a passkey is offered in the field of the address too (conditional mediation)', async () => {
    const page = await open();
    const authenticator = await VirtualAuthenticator.in(page);
    await enterPassword(page, 'member@globex.example');
    await page.goto(`${system.server}/account/security`);
    await page.getByLabel('Name of the new passkey').fill('Laptop');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('heading', { name: 'Your passkey was added' }).waitFor();
    await signOut(page);
    // the user of this authenticator picks what is offered, without a button
    await page.goto(`${system.server}/sign-in`);
    await page.waitForURL(`${system.server}/`);
    expect(await heading(page)).toMatch(/^Welcome/);
    expect(await authenticator.count()).toBe(1);
  }, 60_000);

  it('a browser without passkeys shows no button for them, and signs in as before', async () => {
    const page = await open();
    await page.addInitScript('delete globalThis.PublicKeyCredential');
    await page.goto(`${system.server}/sign-in`);
    expect(await page.getByRole('button', { name: 'Sign in with a passkey' }).count()).toBe(0);
    await new Person(page, system).signIn('admin@globex.example');
    expect(await heading(page)).toMatch(/^Welcome/);
  }, 60_000);
});
