import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { REPOSITORY } from '../support/built-process.js';
import { totpCode, totpStep } from '#sessions';
import { chromium } from '../support/chromium.js';
import { callRegistration } from '../support/registering.js';
import { secretOn } from '../support/factors.js';
import { CONSULTANT, MEMBER, OWNER, Person } from './person.js';
import { RunningSystem } from './running-system.js';
import { VirtualAuthenticator } from './virtual-authenticator.js';
import { violations, WatchedContext } from './watched-context.js';

/** Pictures to look at; git ignores them. */
const PICTURES = join(REPOSITORY, '.test', 'pages');
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };
const CALLBACK = 'https://calendar.example/callback';

describe('every page, as a person finds it', () => {
  let system: RunningSystem;
  let browser: Browser;
  let watched: WatchedContext;
  let page: Page;
  let person: Person;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    system = await RunningSystem.start();
    await system.addClient('calendar', 'Team Calendar', CALLBACK);
    browser = await chromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  beforeEach(async () => {
    watched = await WatchedContext.open(browser, system.hosts, { viewport: WIDE });
    page = await watched.page();
    person = new Person(page, system);
  });

  afterEach(async () => {
    await watched.close();
    expect(watched.complaints).toEqual([]);
  });

  /** Accessible in light and dark, and inside its width on a telephone too, with a picture of each. */
  async function look(name: string): Promise<void> {
    const looks = [
      { look: 'light', colorScheme: 'light', size: WIDE },
      { look: 'dark', colorScheme: 'dark', size: WIDE },
      { look: '360', colorScheme: 'light', size: NARROW },
    ] as const;
    for (const { look, colorScheme, size } of looks) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(size);
      await page.screenshot({ path: join(PICTURES, `${name}.${look}.png`), fullPage: true });
      if (size === WIDE) expect([name, look, await violations(page)]).toEqual([name, look, []]);
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect([name, look, overflow]).toEqual([name, look, 0]);
    }
    await page.setViewportSize(WIDE);
    await page.emulateMedia({ colorScheme: 'light' });
  }

  const signIn = async (email: string, organization?: string): Promise<void> => {
    await page.goto(`${system.server}/sign-in`);
    await person.signIn(email);
    if (organization !== undefined) await person.chooseOrganization(organization);
  };

  it('sign-in, before and after a wrong password', async () => {
    await page.goto(system.server);
    await look('sign-in');
    await page.getByLabel('E-mail address').fill(MEMBER);
    await page.getByLabel('Password').fill('not the password at all');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').waitFor();
    await look('sign-in-refused');
  }, 60_000);

  it('sign-in that has to wait, the link that ends the wait, and a link that does not', async () => {
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
    await look('sign-in-paused');
    const link = await system.unlockLink(MEMBER);
    await page.goto(system.server + link);
    await look('unlock');
    await page.getByRole('button', { name: 'End the pause' }).click();
    await page.waitForURL(`${system.server}/unlocked`);
    await look('unlocked');
    await page.goto(system.server + link);
    await page.getByRole('button', { name: 'End the pause' }).click();
    await page.getByRole('alert').waitFor();
    await look('unlock-refused');
  }, 90_000);

  it('sign-in on the way to a module', async () => {
    await page.goto(system.projects);
    expect(await page.getByText('continue to Projects').isVisible()).toBe(true);
    await look('sign-in-for-module');
  }, 60_000);

  /** Follows the link of the newest mail in the mailbox of the development system. */
  const followMail = async (label: string): Promise<void> => {
    await page.goto(`${system.server}/mailbox`);
    await page.getByRole('link', { name: label }).first().click();
  };

  it('registration: address, mail, name and password, with a hint while it is typed', async () => {
    await page.goto(`${system.server}/sign-in`);
    await page.getByRole('link', { name: 'Make an account' }).click();
    await look('register');
    await page.getByLabel('E-mail address').fill('no address');
    await page.getByRole('button', { name: 'Send the mail' }).click();
    await page.getByRole('alert').waitFor();
    await look('register-refused');
    await page.getByLabel('E-mail address').fill('nora@new.example');
    await page.getByRole('button', { name: 'Send the mail' }).click();
    await page.waitForURL(`${system.server}/register/sent`);
    await look('register-sent');
    await page.goto(`${system.server}/mailbox`);
    await look('mailbox');
    await followMail('Make the account');
    await look('register-complete');
    const hint = page.locator('#password-hint');
    await page.getByLabel('Your name').fill('Nora Newcomer');
    await page.getByLabel('Password').fill('seven words');
    expect(await hint.innerText()).toBe('Too short: 11 of at least 15 characters.');
    await page.getByLabel('Password').fill('newcomer-nora-newcomer');
    expect(await hint.innerText()).toContain('Weak: it is made of your name');
    await page.getByLabel('Password').fill('newcomer-nora-new');
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('alert').waitFor();
    await look('register-complete-refused');
    expect(await page.getByLabel('Your name').inputValue()).toBe('Nora Newcomer');
    await page.getByLabel('Password').fill('nineteen quiet pelicans');
    expect(await hint.innerText()).toContain('Long enough: 23 characters.');
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.waitForURL(`${system.server}/choose-organization`);
    await look('no-organization');
    await page.goto(`${system.server}/register/complete?token=used`);
    await look('dead-link');
  }, 120_000);

  it('a forgotten password, from the sign-in page to the new one', async () => {
    await page.goto(`${system.server}/sign-in`);
    await page.getByRole('link', { name: 'Forgotten your password?' }).click();
    await look('forgot-password');
    await page.getByLabel('E-mail address').fill('administrator@acme.example');
    await page.getByRole('button', { name: 'Send the mail' }).click();
    await page.waitForURL(`${system.server}/forgot-password/sent`);
    await look('forgot-password-sent');
    await followMail('Choose a new password');
    await page.getByLabel('New password', { exact: true }).fill('acme-administrator');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByRole('alert').waitFor();
    await look('reset-password-refused');
    await page.getByLabel('New password', { exact: true }).fill('nineteen quiet pelicans');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.waitForURL(`${system.server}/reset-password/done`);
    await look('reset-password-done');
  }, 90_000);

  it('the account: another password, another address', async () => {
    await signIn('billing@acme.example');
    await page.goto(`${system.server}/account/password`);
    await look('account-password');
    await page.getByLabel('Current password').fill('not the password');
    await page.getByLabel('New password').fill('nineteen quiet pelicans');
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByRole('alert').waitFor();
    await look('account-password-refused');
    await page.getByLabel('Current password').fill(system.password);
    await page.getByLabel('New password').fill('nineteen quiet pelicans');
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.waitForURL(`${system.server}/account/password/changed`);
    await look('account-password-changed');
    await page.goto(`${system.server}/account/address`);
    await look('account-address');
    await page.getByLabel('New e-mail address').fill('invoices@acme.example');
    await page.getByLabel('Current password').fill('nineteen quiet pelicans');
    await page.getByRole('button', { name: 'Send the mail' }).click();
    await page.waitForURL(`${system.server}/account/address/sent`);
    await followMail('Use this address');
    await look('account-address-confirm');
    await page.getByRole('button', { name: 'Use this address' }).click();
    await page.waitForURL(`${system.server}/account/address/changed`);
    await look('account-address-changed');
  }, 120_000);

  it('choose organization, launcher, license refusal', async () => {
    await signIn(CONSULTANT);
    await look('choose-organization');
    await person.chooseOrganization('Globex');
    await look('launcher-globex');
    await page.goto(`${system.reports}/auth/sign-in`);
    await look('license-refused');
  }, 60_000);

  it('launcher, sign-out question, signed out', async () => {
    await signIn(MEMBER);
    await look('launcher');
    await page.goto(`${system.server}/sign-out`);
    await look('sign-out');
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.waitForURL(`${system.server}/signed-out`);
    await look('signed-out');
    await page.goto(await leavingSelfMadeClient(system.server));
    await page.getByRole('link', { name: 'Go on to calendar.example' }).waitFor();
    await look('signed-out-leads-elsewhere');
  }, 60_000);

  it('the account: overview, another name and one that is none, sessions, applications', async () => {
    const elsewhere = await WatchedContext.open(browser, system.hosts, { viewport: WIDE });
    const other = await elsewhere.page();
    await other.goto(`${system.server}/sign-in`);
    await new Person(other, system).signIn(CONSULTANT);
    await signIn(CONSULTANT, 'Globex');
    await page.goto(`${system.projects}/auth/sign-in`);
    await page.waitForURL(`${system.projects}/`);
    await page.goto(system.server);
    await page.getByRole('link', { name: 'Carla Reyes' }).click();
    await page.waitForURL(`${system.server}/account`);
    await look('account');
    await page.getByRole('link', { name: 'Change your name' }).click();
    await page.waitForURL(`${system.server}/account/profile`);
    await look('account-profile');
    await page.getByLabel('Name', { exact: true }).fill('https://example.com');
    await page.getByRole('button', { name: 'Change the name' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('https://example.com');
    await look('account-name-refused');
    await page.getByLabel('Name', { exact: true }).fill('Carla M. Reyes');
    await page.getByRole('button', { name: 'Change the name' }).click();
    await page.waitForURL(`${system.server}/account`);
    await page.getByRole('link', { name: 'Applications' }).click();
    await page.waitForURL(`${system.server}/account/applications`);
    await look('account-applications');
    await page.getByRole('button', { name: 'End access' }).first().click();
    await page.getByRole('status').waitFor();
    await page.getByRole('link', { name: 'Sessions' }).click();
    await page.waitForURL(`${system.server}/account/sessions`);
    await look('account-sessions');
    await page.getByRole('button', { name: 'End all other sessions' }).click();
    await page.getByRole('status').waitFor();
    await look('account-sessions-ended');
    await other.goto(system.server);
    expect(await new Person(other, system).isAskedToSignIn()).toBe(true);
    await elsewhere.close();
    expect(elsewhere.complaints).toEqual([]);
  }, 120_000);

  it('the account: its data, and its deletion, refused and asked for and undone', async () => {
    await signIn('member@globex.example');
    await page.goto(`${system.server}/account/data`);
    await look('account-data');
    const saved = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    expect((await saved).suggestedFilename()).toBe('account.json');
    await page.getByText('Delete the account').click();
    await page.getByLabel('to confirm').fill('another@acme.example');
    await page.getByRole('button', { name: 'Delete my account' }).click();
    await page.getByRole('alert').waitFor();
    await look('account-data-refused');
    await page.getByLabel('to confirm').fill('member@globex.example');
    await page.getByRole('button', { name: 'Delete my account' }).click();
    await page.getByRole('button', { name: 'Keep the account' }).waitFor();
    await look('account-data-deletion');
    await page.goto(`${system.server}/account`);
    await look('account-deletion');
    await page.getByRole('link', { name: 'keep it' }).click();
    await page.getByRole('button', { name: 'Keep the account' }).click();
    await page.getByRole('status').waitFor();
    await look('account-data-kept');
  }, 120_000);

  it('licenses: the overview, one of them, and a seat that is not to be had', async () => {
    await signIn(OWNER);
    await look('launcher-owner');
    await page.getByRole('link', { name: 'Manage licenses' }).click();
    await look('console-licenses');
    await page.getByRole('link', { name: 'Reports' }).first().click();
    await look('console-license');
  }, 60_000);

  it('a license: floating seats that are held, one that was ended, and files that are out', async () => {
    const elsewhere = await WatchedContext.open(browser, system.hosts, { viewport: WIDE });
    const other = await elsewhere.page();
    await other.goto(`${system.projects}/`);
    await new Person(other, system).signIn('member@globex.example');
    await other.waitForURL(`${system.projects}/`);
    await signIn(CONSULTANT, 'Globex');
    await page.goto(`${system.server}/console/licenses?q=Globex`);
    await page.getByRole('link', { name: 'Projects for Globex' }).click();
    await page.getByRole('heading', { name: 'Projects for Globex' }).waitFor();
    // what others before have left held
    const left = page.getByLabel(/^End the floating seat of (?!Gus Park)/);
    while ((await left.count()) > 0) {
      const answer = page.waitForResponse((response) => response.request().method() === 'POST');
      await left.first().click();
      await (await answer).finished();
      await page.getByText('The floating seat was ended').waitFor();
    }
    await page.getByText('Issue a file').click();
    await page.getByLabel('Instance').fill('plant-7');
    await page.getByRole('textbox', { name: 'Seats' }).fill('1');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Issue and download' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('plant-7-1.jws');
    await page.reload();
    await page.getByText('plant-7, number 1').waitFor();
    await look('console-license-floating');
    await page.getByText('Issue a file').click();
    await page.getByLabel('Instance').fill('plant-8');
    await page.getByRole('textbox', { name: 'Seats' }).fill('5');
    await page.getByRole('button', { name: 'Issue and download' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Instance').inputValue()).toBe('plant-8');
    await look('console-license-refused');
    await page.getByLabel('Return number 1 of plant-7').click();
    await look('console-license-return');
    await page.getByRole('button', { name: 'Return the file' }).click();
    await page.getByText('The license file was returned').waitFor();
    await page.getByLabel('End the floating seat of Gus Park').click();
    await page.getByText('The floating seat was ended').waitFor();
    await look('console-license-returned');
    await elsewhere.close();
    expect(elsewhere.complaints).toEqual([]);
  }, 90_000);

  it('a member without a license, in the launcher and on the way to the module', async () => {
    await signIn('member@globex.example');
    const closed = page.getByRole('listitem').filter({ hasText: 'Not available' });
    expect(await closed.innerText()).toMatch(/Reports[\s\S]*Ask Grace Lindholm/);
    await look('launcher-member');
    await page.goto(`${system.reports}/auth/sign-in`);
    expect(await person.heading()).toBe('Reports is not included');
    const ask = page.getByRole('link', { name: 'admin@globex.example' });
    expect(await ask.getAttribute('href')).toMatch(/^mailto:admin@globex\.example/);
    await look('license-refused-member');
  }, 60_000);

  it('an administrator without a license, in the launcher and on the way to the module', async () => {
    await signIn('admin@globex.example');
    expect(await page.getByText('Ask the supplier to add it.').isVisible()).toBe(true);
    await look('launcher-administrator');
    await page.goto(`${system.reports}/auth/sign-in`);
    expect(await page.getByRole('link', { name: 'See the licenses' }).isVisible()).toBe(true);
    await look('license-refused-administrator');
  }, 60_000);

  it('an organization: a new one, its overview, people, invitations, roles, settings, deletion', async () => {
    await signIn(OWNER);
    await page.goto(`${system.server}/organization`);
    await look('organization');
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByLabel('Change role of Mia Chen').click();
    await look('organization-people');
    await page.getByRole('link', { name: 'Invitations' }).click();
    await page.getByLabel('E-mail addresses').fill('first@acme.example\nsecond@acme.example\nnobody');
    await page.getByRole('button', { name: 'Send invitations' }).click();
    await page.getByText('2 of 3 invited').waitFor();
    await look('organization-invitations');
    await page.getByRole('link', { name: 'Roles' }).click();
    await page.getByLabel('Name').fill('Archivist');
    await page.getByRole('button', { name: 'Create the role' }).click();
    await page.getByText('The role was created.').waitFor();
    await page.getByLabel('Change Archivist').click();
    await look('organization-roles');
    await page.getByRole('link', { name: 'Settings' }).click();
    await look('organization-settings');
    await page.getByLabel('Minutes without use').fill('61');
    await page.locator('section', { hasText: 'Minutes without use' }).getByRole('button').click();
    await page.getByRole('alert').waitFor();
    await look('organization-settings-refused');
    await page.goto(`${system.server}/organization/new`);
    await page.getByLabel('Name').fill('Acme');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('alert').waitFor();
    await look('organization-new-refused');
    await page.getByLabel('Name').fill('Side project');
    await page.getByLabel('Key').fill('side-project');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('The organization was created.').waitFor();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByLabel('Type “side-project” to confirm').fill('side-project');
    await page.getByRole('button', { name: 'Delete Side project' }).click();
    await page.getByText('Side project will be deleted').waitFor();
    await look('organization-deletion');
  }, 120_000);

  it('an invitation: without an account, with a refused password, as somebody else, not good any more', async () => {
    const link = await system.invite('newcomer@acme.example');
    await page.goto(link);
    await look('invitation');
    await page.getByLabel('Your name').fill('Nora Newcomer');
    await page.getByLabel('Password').fill('too short');
    await page.getByRole('button', { name: 'Create the account' }).click();
    await page.getByRole('alert').waitFor();
    await look('invitation-refused');
    await signIn(MEMBER);
    await page.goto(link);
    await look('invitation-other-address');
    await page.goto(`${system.server}/invitation?token=${'A'.repeat(43)}`);
    await look('invitation-invalid');
  }, 90_000);

  it('consent for an application of somebody else', async () => {
    await signIn(MEMBER);
    const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
    const request = new URLSearchParams({
      response_type: 'code',
      client_id: 'calendar',
      redirect_uri: CALLBACK,
      scope: 'openid profile email projects:read',
      state: 'anything',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    await page.goto(`${system.server}/oauth2/authorize?${request}`);
    expect(await page.getByRole('button', { name: 'Allow' }).isVisible()).toBe(true);
    await look('consent');
  }, 60_000);

  it('a device: its code, a wrong one, the confirmation, approved, denied', async () => {
    await signIn(CONSULTANT, 'Globex');
    const userCode = await system.beginDevice('television', 'Television');
    await page.goto(`${system.server}/device`);
    await look('device');
    await page.getByLabel('Code').fill('bbbb bbbb');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').waitFor();
    await look('device-wrong-code');
    await page.getByLabel('Code').fill(userCode.toLowerCase());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    await look('device-confirmation');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.waitForURL(`${system.server}/device/approved`);
    await look('device-approved');
    await page.goto(`${system.server}/device/denied`);
    await look('device-denied');
  }, 90_000);

  it('errors: an unknown application, a page that is not there', async () => {
    await page.goto(`${system.server}/oauth2/authorize?client_id=nobody&response_type=code`);
    expect(await person.heading()).not.toBe('');
    await look('error-unknown-client');
    await page.goto(`${system.server}/nowhere`);
    await look('error-not-found');
  }, 60_000);

  it('the readiness report', async () => {
    await signIn(MEMBER);
    await page.goto(`${system.server}/readiness`);
    await look('readiness');
  }, 90_000);

  it('projects: empty, with projects, at the limit of the plan, an error, signed out', async () => {
    await signIn(CONSULTANT, 'Globex');
    await page.goto(`${system.projects}/auth/sign-in`);
    await look('projects-empty');
    for (let count = 1; count <= 5; count += 1) await person.createProject(`Relaunch of site ${count}`);
    await look('projects-limit');
    await page.goto(`${system.projects}/nowhere`);
    await look('projects-not-found');
    await page.goto(`${system.projects}/projects.csv`);
    await look('projects-refused');
    await page.goto(`${system.projects}/`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.projects}/auth/signed-out`);
    await look('projects-signed-out');
  }, 90_000);

  it('projects: all floating seats in use', async () => {
    const others: { context: WatchedContext; page: Page }[] = [];
    for (const email of ['admin@globex.example', 'member@globex.example']) {
      const context = await WatchedContext.open(browser, system.hosts, { viewport: WIDE });
      const other = { context, page: await context.page() };
      others.push(other);
      await other.page.goto(`${system.projects}/`);
      await new Person(other.page, system).signIn(email);
      await other.page.waitForURL(`${system.projects}/`);
    }
    await signIn(CONSULTANT, 'Globex');
    await page.goto(`${system.projects}/auth/sign-in`);
    expect(await person.heading()).toBe('All seats in use');
    await look('projects-no-seat');
    // who signs out makes room
    const leaving = others[0]?.page;
    await leaving?.getByRole('button', { name: 'Sign out' }).click();
    await leaving?.waitForURL(`${system.projects}/auth/signed-out`);
    await page.goto(`${system.projects}/`);
    expect(await person.heading()).toBe('Projects');
    for (const { context } of others) {
      await context.close();
      expect(context.complaints).toEqual([]);
    }
  }, 90_000);

  it('reports: empty, with a chart, signed out', async () => {
    await signIn(MEMBER);
    await page.goto(`${system.reports}/auth/sign-in`);
    await look('reports-empty');
    await page.goto(`${system.projects}/auth/sign-in`);
    for (const name of ['Autumn campaign', 'New price list', 'Move to Hamburg'])
      await person.createProject(name);
    await page.getByLabel('Status of New price list').selectOption('done');
    await page.getByRole('button', { name: 'Set the status of New price list' }).click();
    await look('projects');
    await page.goto(`${system.reports}/`);
    await look('reports');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.reports}/auth/signed-out`);
    await look('reports-signed-out');
  }, 90_000);

  // the last one: it leaves this person with a second factor
  it('the account: its overview, factors, an authenticator app, a passkey, the second step, step-up', async () => {
    const authenticator = await VirtualAuthenticator.in(page);
    await authenticator.answersByItself(true);
    await signIn('admin@globex.example');
    await page.goto(`${system.server}/account`);
    await look('account');
    await page.goto(`${system.server}/account/security`);
    await look('account-security-empty');
    const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
    const request = new URLSearchParams({
      response_type: 'code',
      client_id: 'calendar',
      redirect_uri: CALLBACK,
      scope: 'openid',
      acr_values: 'aal2',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    await page.goto(`${system.server}/oauth2/authorize?${request}`);
    expect(await person.heading()).toBe('Add a second factor');
    await look('step-up');
    await page.goto(`${system.server}/account/security/totp`);
    const secret = secretOn(await page.content());
    await look('account-totp');
    await page.getByLabel('Code that the app shows now').fill('000000');
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('alert').waitFor();
    await look('account-totp-wrong');
    await page.getByLabel('Code that the app shows now').fill(totpCode(secret, totpStep(new Date())));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('heading', { name: 'Your authenticator app is set up' }).waitFor();
    await look('account-factor-added');
    await page.goto(`${system.server}/account/security`);
    await page
      .getByLabel('Name of the new passkey')
      .fill('Work laptop with a rather long name, as they come');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('heading', { name: 'Your passkey was added' }).waitFor();
    await page.goto(`${system.server}/account/security`);
    for (const summary of await page.locator('summary').all()) await summary.click();
    await look('account-security');
    await page.goto(`${system.server}/organization/settings`);
    await look('organization-settings-second-factor');
    await page.getByRole('button', { name: 'Ask for a second factor' }).click();
    await page.getByRole('status').waitFor();
    await look('organization-settings-rule');
    await authenticator.answersByItself(false);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.server}/signed-out`);
    await signIn('admin@globex.example');
    await look('second-factor');
    await page.getByText('Use a recovery code instead').click();
    await page.getByLabel('Recovery code').fill('not a code');
    await page.getByRole('button', { name: 'Use the recovery code' }).click();
    await page.getByRole('alert').first().waitFor();
    await look('second-factor-wrong');
  }, 120_000);
});

/** Where a client that registered itself sends a browser, to be led to its own address. */
async function leavingSelfMadeClient(server: string): Promise<string> {
  const leadsTo = 'https://calendar.example/signed-out';
  const { body } = await callRegistration(`${server}/oauth2/register`, {
    body: { client_name: 'Team Calendar', redirect_uris: [CALLBACK], post_logout_redirect_uris: [leadsTo] },
  });
  const fields = { client_id: String(body['client_id']), post_logout_redirect_uri: leadsTo };
  return `${server}/oauth2/logout?${new URLSearchParams(fields)}`;
}
