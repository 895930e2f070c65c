import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { REPOSITORY } from '../../support/built-process.js';
import { chromium } from '../../support/chromium.js';
import { Person } from '../person.js';
import { RunningSystem } from '../running-system.js';
import { violations, WatchedContext } from '../watched-context.js';

/** Pictures to look at; git ignores them. */
const PICTURES = join(REPOSITORY, '.test', 'pages');
export const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };
/** Of the application of somebody else. */
export const CALLBACK = 'https://calendar.example/callback';

/** Who looks at every page of one running system; in each test with a browser that has been nowhere. */
export class PageVisitor {
  system!: RunningSystem;
  browser!: Browser;
  page!: Page;
  person!: Person;
  private watched!: WatchedContext;

  async start(): Promise<void> {
    mkdirSync(PICTURES, { recursive: true });
    this.system = await RunningSystem.start();
    await this.system.addClient('calendar', 'Team Calendar', CALLBACK);
    this.browser = await chromium();
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    await this.system?.stop();
  }

  async arrive(): Promise<void> {
    this.watched = await WatchedContext.open(this.browser, this.system.hosts, { viewport: WIDE });
    this.page = await this.watched.page();
    this.person = new Person(this.page, this.system);
  }

  async leave(): Promise<void> {
    await this.watched.close();
    expect(this.watched.complaints).toEqual([]);
  }

  /** Accessible in light and dark, and inside its width on a telephone too, with a picture of each. */
  async look(name: string): Promise<void> {
    const { page } = this;
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

  async signIn(email: string, organization?: string): Promise<void> {
    await this.page.goto(`${this.system.server}/sign-in`);
    await this.person.signIn(email);
    if (organization !== undefined) await this.person.chooseOrganization(organization);
  }

  /** Follows the link of the newest mail in the mailbox of the development system. */
  async followMail(label: string): Promise<void> {
    await this.page.goto(`${this.system.server}/mailbox`);
    await this.page.getByRole('link', { name: label }).first().click();
  }
}
