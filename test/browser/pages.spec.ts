import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { REPOSITORY } from '../support/built-process.js';
import { chromium } from '../support/chromium.js';
import { CONSULTANT, MEMBER, OWNER, Person } from './person.js';
import { RunningSystem } from './running-system.js';
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
  }, 30_000);

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
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await look('sign-in-refused');
  }, 60_000);

  it('sign-in on the way to a module', async () => {
    await page.goto(system.projects);
    expect(await page.getByText('continue to Projects').isVisible()).toBe(true);
    await look('sign-in-for-module');
  }, 60_000);

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
  }, 60_000);

  it('licenses: the overview, one of them, and a seat that is not to be had', async () => {
    await signIn(OWNER);
    await look('launcher-owner');
    await page.getByRole('link', { name: 'Manage licenses' }).click();
    await look('console-licenses');
    await page.getByRole('link', { name: 'Reports' }).first().click();
    await look('console-license');
  }, 60_000);

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
});
