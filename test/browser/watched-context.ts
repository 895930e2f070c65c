import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** A browser profile of its own that notes whatever a person would never see but should not happen. */
export class WatchedContext {
  /** Console errors and warnings, refused contents, failed requests, other hosts. */
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    private readonly hosts: readonly string[],
  ) {}

  static async open(
    browser: Browser,
    hosts: readonly string[],
    options: BrowserContextOptions = {},
  ): Promise<WatchedContext> {
    const watched = new WatchedContext(await browser.newContext(options), hosts);
    watched.context.setDefaultTimeout(15_000);
    watched.context.on('page', (page) => watched.watch(page));
    watched.context.on('request', (request) => {
      const url = new URL(request.url());
      if (!watched.hosts.includes(url.host) && url.protocol !== 'data:') {
        watched.complaints.push(`asked ${url.host}: ${url.href}`);
      }
    });
    watched.context.on('response', (response) => {
      // what a person asked for may be refused; what a page is made of has to be there
      const ownPart = !['document', 'fetch', 'xhr'].includes(response.request().resourceType());
      if (response.status() >= (ownPart ? 400 : 500)) {
        watched.complaints.push(`${response.status()} ${response.url()}`);
      }
    });
    watched.context.on('requestfailed', (request) => {
      // Chromium calls a download, and a page that was left before it came, aborted
      const problem = request.failure()?.errorText;
      if (problem !== 'net::ERR_ABORTED') watched.complaints.push(`${problem} ${request.url()}`);
    });
    return watched;
  }

  async page(): Promise<Page> {
    return await this.context.newPage();
  }

  async close(): Promise<void> {
    await this.context.close();
  }

  private watch(page: Page): void {
    page.on('console', (message) => {
      // Chromium notes every answer of 400 or more here; whether a status is right is the test's own matter
      if (/the server responded with a status of 4\d\d/.test(message.text())) return;
      if (['error', 'warning'].includes(message.type())) {
        this.complaints.push(`${message.type()} on ${page.url()}: ${message.text()}`);
      }
    });
    page.on('pageerror', (error) => this.complaints.push(`${page.url()}: ${error.message}`));
  }
}

/** What axe finds wrong with the page as it is shown now: one line per rule. */
export async function violations(page: Page): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found.map(
    ({ id, help, nodes }) => `${page.url()} ${id}: ${help} ${nodes.map(({ html }) => html).join(' | ')}`,
  );
}
