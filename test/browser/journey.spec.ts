import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { eventually } from '../support/answers.js';
import { chromium } from '../support/chromium.js';
import { CONSULTANT, MEMBER, Person } from './person.js';
import { RunningSystem } from './running-system.js';
import { WatchedContext } from './watched-context.js';

describe('the whole journey in a browser', () => {
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
    // whatever was done: no script or style was refused, no other host was asked, nothing failed
    expect(watched.complaints).toEqual([]);
  });

  const open = async (options = {}) => {
    watched = await WatchedContext.open(browser, system.hosts, options);
    return watched;
  };

  const signedIn = async (page: Page, email: string, organization?: string): Promise<Person> => {
    const person = new Person(page, system);
    await page.goto(system.server);
    await person.signIn(email);
    if (organization !== undefined) await person.chooseOrganization(organization);
    return person;
  };

  it('signs in once, uses two modules, meets the license refusal, and signs out everywhere, in two tabs of one browser at a time', async () => {
    const { context } = await open();
    const person = await signedIn(await context.newPage(), CONSULTANT, 'Acme Corporation');
    expect(await person.heading()).toBe('Welcome, Carla Reyes');
    const other = new Person(await context.newPage(), system);
    await other.page.goto(system.server);
    expect(await other.heading()).toBe('Welcome, Carla Reyes');
    const tabs = [person, other];

    const passwords: string[] = [];
    context.on('request', (request) => {
      if (request.method() === 'POST' && new URL(request.url()).pathname === '/sign-in')
        passwords.push(request.url());
    });
    await Promise.all(tabs.map(useModules));
    await Promise.all(tabs.map(readReadiness));
    // both tabs share one session, so that the choice of organization is one for both
    await person.page.goto(`${system.server}/choose-organization`);
    await person.chooseOrganization('Globex');
    await Promise.all(tabs.map(meetRefusal));
    expect(passwords).toEqual([]);

    await signOutEverywhere(tabs);
  }, 90_000);

  async function useModules({ page }: Person, tab: number): Promise<void> {
    const person = new Person(page, system);
    await page.getByRole('link', { name: 'Open Projects' }).click();
    await page.waitForURL(`${system.projects}/`);
    expect(await page.getByRole('banner').innerText()).toContain('Acme Corporation');
    await person.createProject(`Project of tab ${tab}`);

    await page.getByRole('navigation', { name: 'Modules' }).getByRole('link', { name: 'Reports' }).click();
    await page.waitForURL(`${system.reports}/`);
    const chart = page.getByRole('img', { name: /Projects by status/ });
    expect(await chart.isVisible()).toBe(true);
    expect(await chart.textContent()).toMatch(/Active: [1-9]/);
  }

  async function readReadiness({ page }: Person): Promise<void> {
    await page.goto(`${system.server}/readiness`);
    expect(await page.locator('.item').count()).toBe(147);
    expect(await page.locator('.item-verified').count()).toBeGreaterThan(0);
  }

  async function meetRefusal(person: Person): Promise<void> {
    const { page } = person;
    await page.goto(system.server);
    const closed = page.getByRole('listitem').filter({ hasText: 'Not available' });
    expect(await closed.innerText()).toMatch(/Reports[\s\S]*As an operator you can change that yourself/);
    // the module itself refuses too, whoever types its address
    await page.goto(`${system.reports}/auth/sign-in`);
    expect(page.url()).toContain(`${system.server}/license-refused`);
    expect(await person.heading()).toBe('Reports is not included');
    const licenses = page.getByRole('link', { name: 'See the licenses' });
    expect(await licenses.getAttribute('href')).toBe('/console/licenses');
    // and the module that is licensed opens for the other organization, without its neighbor's projects
    await page.goto(`${system.projects}/auth/sign-in`);
    await page.waitForURL(`${system.projects}/`);
    expect(await page.getByRole('banner').innerText()).toContain('Globex');
    expect(await page.getByText('Project of tab').count()).toBe(0);
  }

  async function signOutEverywhere(tabs: Person[]): Promise<void> {
    const [person, other] = tabs as [Person, Person];
    await other.page.goto(`${system.reports}/`).catch(() => undefined);
    const kept = await watched.context.cookies();
    expect(kept.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['core_auth_session', 'projects_session', 'reports_session']),
    );
    await person.page.goto(`${system.projects}/`);
    await person.page.getByRole('button', { name: 'Sign out' }).click();
    await person.page.waitForURL(`${system.projects}/auth/signed-out`);
    expect(await person.heading()).toBe('You are signed out');

    for (const module of [system.projects, system.reports]) {
      await eventually(async () => {
        await other.page.goto(`${module}/`);
        return (await other.isAskedToSignIn()) || undefined;
      }, `${module} asking to sign in`);
    }
    // a copy of the cookies from before opens nothing
    const thief = await WatchedContext.open(browser, system.hosts);
    await thief.context.addCookies(kept);
    const stolen = new Person(await thief.page(), system);
    for (const address of [system.projects, system.reports, system.server]) {
      await stolen.page.goto(`${address}/`);
      expect([address, await stolen.isAskedToSignIn()]).toEqual([address, true]);
      await thief.context.addCookies(kept);
    }
    await thief.close();
  }

  it('a person who signs out at Core Auth is signed out of every module', async () => {
    const { context } = await open();
    const person = await signedIn(await context.newPage(), MEMBER);
    const { page } = person;
    for (const module of [system.projects, system.reports]) {
      await page.goto(`${module}/`);
      await page.waitForURL(`${module}/`);
    }
    await page.goto(system.server);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.server}/signed-out`);
    for (const module of [system.projects, system.reports]) {
      await eventually(async () => {
        await page.goto(`${module}/`);
        return (await person.isAskedToSignIn()) || undefined;
      }, `${module} asking to sign in`);
    }
  }, 60_000);

  it('tabs that refresh their tokens at the same moment stay signed in, with one successor', async () => {
    const seconds = 4;
    await system.setAccessTokenSeconds('projects', seconds);
    try {
      const { context } = await open();
      const person = await signedIn(await context.newPage(), MEMBER);
      const pages = [person.page, await context.newPage(), await context.newPage()];
      await person.page.goto(`${system.projects}/`);
      await person.page.waitForURL(`${system.projects}/`);
      const before = await refreshes();
      for (let round = 1; round <= 3; round += 1) {
        await person.page.waitForTimeout(seconds * 1000);
        await Promise.all(pages.map((page) => page.goto(`${system.projects}/`)));
        for (const page of pages) {
          expect(page.url()).toBe(`${system.projects}/`);
          expect(await page.getByRole('banner').innerText()).toContain('Mia Chen');
        }
      }
      // three renewals of one authorization, not nine, and no new sign-in on the way
      const after = await refreshes();
      expect(after.count).toBe(before.count);
      expect(after.generations - before.generations).toBe(3);
    } finally {
      await system.setAccessTokenSeconds('projects', 86_400);
    }
  }, 60_000);

  async function refreshes(): Promise<{ count: number; generations: number }> {
    const live = (await system.authorizations(MEMBER, 'projects')).filter(({ state }) => state === 'active');
    return {
      count: live.length,
      generations: live.reduce((sum, { generation }) => sum + generation, 0),
    };
  }

  it('signs in, opens a module, and signs out by keyboard alone', async () => {
    const { context } = await open();
    const page = await context.newPage();
    await page.goto(system.server);
    // the first field has the focus by itself, as soon as the page is painted
    await page.locator('#email:focus').waitFor();
    await page.keyboard.type(MEMBER);
    await page.keyboard.press('Tab');
    await page.keyboard.type(system.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Welcome, Mia Chen' }).waitFor();

    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Open Projects');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${system.projects}/`);
    await tabTo(page, 'Sign out');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${system.projects}/auth/signed-out`);
  }, 60_000);

  it('works the same with JavaScript disabled', async () => {
    const { context } = await open({ javaScriptEnabled: false });
    const person = await signedIn(await context.newPage(), CONSULTANT, 'Acme Corporation');
    const { page } = person;
    await page.getByRole('link', { name: 'Open Projects' }).click();
    await page.waitForURL(`${system.projects}/`);
    await person.createProject('Without a script');
    await page.goto(`${system.reports}/auth/sign-in`);
    await page.waitForURL(`${system.reports}/`);
    expect(await page.getByRole('img', { name: /Projects by status/ }).isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.reports}/auth/signed-out`);
  }, 60_000);
});

/** What the focused element is called; nothing while the focus is outside the page. */
async function focused(page: Page): Promise<string> {
  return (await page.locator(':focus').allInnerTexts()).join().trim();
}

async function tabTo(page: Page, name: string): Promise<void> {
  for (let steps = 0; steps < 40; steps += 1) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`the keyboard does not reach "${name}"`);
}
