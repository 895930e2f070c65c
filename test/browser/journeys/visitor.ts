import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { eventually } from '../../support/answers.js';
import type { RunningSystem } from '../running-system.js';

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };

/** The keyboard is at what the page says, at what has to be mended, or at the start of another page. */
const LANDED = `(() => {
  const told = [...document.querySelectorAll('main [role=alert], main [role=status]')].find((one) => one.checkVisibility());
  const at = document.activeElement;
  if (!told) return at === document.body || at.matches('h1, input');
  return told.contains(at) || at.matches('[aria-invalid=true]');
})()`;

/** Somebody at a browser: what they do, in their words, and what every page that they see has to keep. */
export class Visitor {
  constructor(
    readonly page: Page,
    private readonly system: RunningSystem,
    private readonly album: { readonly seen: Set<string>; readonly pictures: string | undefined },
  ) {}

  get path(): string {
    return new URL(this.page.url()).pathname;
  }

  /** @param where a path of Core Auth, or another address */
  async go(where: string): Promise<void> {
    await this.page.goto(new URL(where, this.system.server).href);
    await this.look();
  }

  async follow(link: string): Promise<void> {
    await this.leaveBy(this.page.getByRole('link', { name: link, exact: true }).first());
  }

  /** Sends a form. @param part of the page in which the button is */
  async press(button: string, part?: Locator): Promise<void> {
    await this.leaveBy((part ?? this.page).getByRole('button', { name: button, exact: true }));
    await eventually(
      async () => (await this.page.evaluate<boolean>(LANDED)) || undefined,
      `the keyboard landing on ${this.page.url()}`,
    );
  }

  /** Opens what is folded. */
  async unfold(summary: string): Promise<void> {
    await this.page
      .getByLabel(summary, { exact: true })
      .or(this.page.getByText(summary, { exact: true }))
      .first()
      .click();
  }

  async fill(field: string, text: string): Promise<void> {
    await this.page.getByLabel(field, { exact: true }).fill(text);
  }

  async choose(field: string, option: string | RegExp): Promise<void> {
    const list = this.page.getByLabel(field, { exact: true }).filter({ visible: true });
    const text = await list.locator('option').filter({ hasText: option }).first().innerText();
    await list.selectOption({ label: text.trim() });
  }

  async heading(): Promise<string> {
    return (await this.page.getByRole('heading', { level: 1 }).innerText()).replace(/\s+/g, ' ');
  }

  /** What was done. */
  async notice(): Promise<string> {
    return await this.page.getByRole('main').getByRole('status').filter({ visible: true }).innerText();
  }

  /** Why nothing was done. */
  async refusal(): Promise<string> {
    return await this.page.getByRole('main').getByRole('alert').filter({ visible: true }).first().innerText();
  }

  /** The part of a page under this heading. */
  part(heading: string | RegExp): Locator {
    return this.page.getByRole('region', { name: heading });
  }

  /** The entry of a list that is about somebody or something. */
  entry(text: string | RegExp): Locator {
    return this.page.getByRole('main').getByRole('listitem').filter({ hasText: text });
  }

  async reads(text: string | RegExp): Promise<boolean> {
    return await this.page.getByRole('main').getByText(text).first().isVisible();
  }

  async signIn(email: string, password = this.system.password): Promise<void> {
    await this.fill('E-mail address', email);
    await this.fill('Password', password);
    await this.press('Sign in');
  }

  async signOut(): Promise<void> {
    await this.go('/account');
    await this.press('Sign out');
  }

  /** Follows a link of a mail to an address. @param earlier how many later mails with such a link to leave aside */
  async followMail(to: string, link: string, earlier = 0): Promise<void> {
    const mails = this.page.getByRole('article').filter({ hasText: `To ${to},` });
    const links = mails.getByRole('link', { name: link, exact: true });
    // of a pause a mail is written a moment after it was told
    await eventually(async () => {
      await this.go('/mailbox');
      return (await links.count()) > earlier || undefined;
    }, `a mail to ${to} with “${link}”`);
    await this.leaveBy(links.nth(earlier));
  }

  /** The subjects of the mails to an address, the newest first. */
  async mailsTo(to: string): Promise<string[]> {
    await this.go('/mailbox');
    const mails = this.page.getByRole('article').filter({ hasText: `To ${to},` });
    return await mails.getByRole('heading').allInnerTexts();
  }

  /** @param act what makes the browser save a file */
  async saves(act: () => Promise<void>): Promise<{ name: string; content: string }> {
    const [file] = await Promise.all([this.page.waitForEvent('download'), act()]);
    return { name: file.suggestedFilename(), content: readFileSync(await file.path(), 'utf8') };
  }

  /** Opens a module, by which the person has a session there too. */
  async open(module: 'projects' | 'reports'): Promise<void> {
    await this.go(`${this.system[module]}/auth/sign-in`);
    expect(new URL(this.page.url()).origin).toBe(this.system[module]);
  }

  /** Waits, as long as the bound allows, until an address leads this browser to the sign-in page. */
  async isOutOf(address: string): Promise<void> {
    await eventually(async () => {
      await this.page.goto(new URL(address, this.system.server).href);
      return this.path === '/sign-in' || undefined;
    }, `${address} asking to sign in`);
  }

  /** Waits, as long as the bound allows, until a module no longer shows itself to this person. */
  async isShutOutOf(address: string): Promise<void> {
    await eventually(async () => {
      await this.page.goto(address);
      return new URL(this.page.url()).origin !== address || undefined;
    }, `${address} sending the person away`);
  }

  /** Waits, as long as the bound allows, until an address shows a page of this heading. */
  async isTold(address: string, heading: string): Promise<void> {
    await eventually(async () => {
      await this.page.goto(address);
      return (await this.heading()) === heading || undefined;
    }, `${address} saying “${heading}”`);
  }

  /** Takes away what this browser has of Core Auth itself, so that a module has to do with its own session. */
  async forgetCoreAuth(): Promise<void> {
    await this.page.context().clearCookies({ name: 'core_auth_session' });
  }

  /** Follows what leads to another page. */
  async leaveBy(by: Locator): Promise<void> {
    await Promise.all([this.page.waitForEvent('load'), by.click()]);
    await this.look();
  }

  /** Once for each page: nothing of it is beyond the edge of a telephone. */
  private async look(): Promise<void> {
    const { seen, pictures } = this.album;
    // of whom it is says nothing about the page
    const title = (await this.page.title()).replace(/(, .*)? – Core Auth$/, '');
    const path = this.path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'one');
    const name = `${path} ${title}`.toLowerCase().replace(/[^a-z]+/g, '-');
    if (seen.has(name)) return;
    seen.add(name);
    await this.page.setViewportSize(NARROW);
    const beyond = await this.page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    if (pictures !== undefined) await this.pose(join(pictures, `story${name}`));
    await this.page.setViewportSize(WIDE);
    expect([name, beyond]).toEqual([name, 0]);
  }

  private async pose(path: string): Promise<void> {
    const { page } = this;
    const picture = (look: string) => page.screenshot({ path: `${path}.${look}.png`, fullPage: true });
    await picture('360');
    await page.setViewportSize(WIDE);
    await picture('light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('dark');
    await page.emulateMedia({ colorScheme: 'light' });
  }
}
