import { expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { eventually } from '../../support/answers.js';
import { CONSULTANT, MEMBER, Person } from '../person.js';
import { WatchedContext } from '../watched-context.js';
import { type PageVisitor, WIDE } from './page-visitor.js';

/** The pages of the modules. */
export function modulePages(visitor: PageVisitor): void {
  it('projects: empty, with projects, at the limit of the plan, an error, signed out', async () => {
    const { page, person, system } = visitor;
    await visitor.signIn(CONSULTANT, 'Globex');
    await page.goto(`${system.projects}/auth/sign-in`);
    await visitor.look('projects-empty');
    for (let count = 1; count <= 5; count += 1) await person.createProject(`Relaunch of site ${count}`);
    await visitor.look('projects-limit');
    await page.goto(`${system.projects}/nowhere`);
    await visitor.look('projects-not-found');
    await page.goto(`${system.projects}/projects.csv`);
    await visitor.look('projects-refused');
    await page.goto(`${system.projects}/`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.projects}/auth/signed-out`);
    await visitor.look('projects-signed-out');
  }, 90_000);

  it('projects: all floating seats in use', async () => {
    const { page, person, system, browser } = visitor;
    const others: { context: WatchedContext; page: Page }[] = [];
    for (const email of ['admin@globex.example', 'member@globex.example']) {
      const context = await WatchedContext.open(browser, system.hosts, { viewport: WIDE });
      const other = { context, page: await context.page() };
      others.push(other);
      await other.page.goto(`${system.projects}/`);
      await new Person(other.page, system).signIn(email);
      await other.page.waitForURL(`${system.projects}/`);
    }
    await visitor.signIn(CONSULTANT, 'Globex');
    await page.goto(`${system.projects}/auth/sign-in`);
    expect(await person.heading()).toBe('All seats in use');
    await visitor.look('projects-no-seat');
    // who signs out makes room
    const leaving = others[0]?.page;
    await leaving?.getByRole('button', { name: 'Sign out' }).click();
    await leaving?.waitForURL(`${system.projects}/auth/signed-out`);
    await eventually(async () => {
      await page.goto(`${system.projects}/`);
      return (await person.heading()) === 'Projects' || undefined;
    }, 'the seat that became free');
    for (const { context } of others) {
      await context.close();
      expect(context.complaints).toEqual([]);
    }
  }, 90_000);

  it('reports: empty, with a chart, signed out', async () => {
    const { page, person, system } = visitor;
    await visitor.signIn(MEMBER);
    await page.goto(`${system.reports}/auth/sign-in`);
    await visitor.look('reports-empty');
    await page.goto(`${system.projects}/auth/sign-in`);
    for (const name of ['Autumn campaign', 'New price list', 'Move to Hamburg'])
      await person.createProject(name);
    await page.getByLabel('Status of New price list').selectOption('done');
    await page.getByRole('button', { name: 'Set the status of New price list' }).click();
    await visitor.look('projects');
    await page.goto(`${system.reports}/`);
    await visitor.look('reports');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.reports}/auth/signed-out`);
    await visitor.look('reports-signed-out');
  }, 90_000);
}
