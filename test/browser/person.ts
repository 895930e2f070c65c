import type { Page } from 'playwright-core';
import type { RunningSystem } from './running-system.js';

export const CONSULTANT = 'consultant@partners.example';
export const MEMBER = 'member@acme.example';
export const OWNER = 'owner@acme.example';

/** What a person does with pages, in their words. */
export class Person {
  constructor(
    readonly page: Page,
    private readonly system: Pick<RunningSystem, 'password'>,
  ) {}

  async signIn(email: string): Promise<void> {
    await this.page.getByLabel('E-mail address').fill(email);
    await this.page.getByLabel('Password').fill(this.system.password);
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    // a click does not wait for its answer; to go elsewhere before it would cross the sign-in
    await this.page.waitForURL(({ pathname }) => pathname !== '/sign-in');
  }

  async chooseOrganization(name: string): Promise<void> {
    await this.page.getByRole('button', { name }).click();
    await this.page.waitForURL(({ pathname }) => pathname !== '/choose-organization');
  }

  async createProject(name: string): Promise<void> {
    await this.page.getByLabel('Name', { exact: true }).fill(name);
    await this.page.getByRole('button', { name: 'Create' }).click();
    await this.page.getByText(name).first().waitFor();
  }

  /** The level-one heading of the page that is shown. */
  async heading(): Promise<string> {
    return (await this.page.getByRole('heading', { level: 1 }).innerText()).replace(/\s+/g, ' ');
  }

  /** The page asks for a password. */
  async isAskedToSignIn(): Promise<boolean> {
    await this.page.waitForLoadState();
    return (
      new URL(this.page.url()).pathname === '/sign-in' && (await this.page.getByLabel('Password').isVisible())
    );
  }
}
