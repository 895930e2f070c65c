import { expect, it } from '@jest/globals';
import { CONSULTANT, OWNER, Person } from '../person.js';
import { WatchedContext } from '../watched-context.js';
import { type PageVisitor, WIDE } from './page-visitor.js';

/** The pages of licenses. */
export function consolePages(visitor: PageVisitor): void {
  it('licenses: the overview, one of them, and a seat that is not to be had', async () => {
    const { page } = visitor;
    await visitor.signIn(OWNER);
    await visitor.look('launcher-owner');
    await page.getByRole('link', { name: 'Manage licenses' }).click();
    await visitor.look('console-licenses');
    await page.getByRole('link', { name: 'Reports' }).first().click();
    await visitor.look('console-license');
  }, 60_000);

  it('a license: floating seats that are held, one that was ended, and files that are out', async () => {
    const { page, system, browser } = visitor;
    const elsewhere = await WatchedContext.open(browser, system.hosts, { viewport: WIDE });
    const other = await elsewhere.page();
    await other.goto(`${system.projects}/`);
    await new Person(other, system).signIn('member@globex.example');
    await other.waitForURL(`${system.projects}/`);
    await visitor.signIn(CONSULTANT, 'Globex');
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
    await visitor.look('console-license-floating');
    await page.getByText('Issue a file').click();
    await page.getByLabel('Instance').fill('plant-8');
    await page.getByRole('textbox', { name: 'Seats' }).fill('5');
    await page.getByRole('button', { name: 'Issue and download' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Instance').inputValue()).toBe('plant-8');
    await visitor.look('console-license-refused');
    await page.getByLabel('Return number 1 of plant-7').click();
    await visitor.look('console-license-return');
    await page.getByRole('button', { name: 'Return the file' }).click();
    await page.getByText('The license file was returned').waitFor();
    await page.getByLabel('End the floating seat of Gus Park').click();
    await page.getByText('The floating seat was ended').waitFor();
    await visitor.look('console-license-returned');
    await elsewhere.close();
    expect(elsewhere.complaints).toEqual([]);
  }, 90_000);
}
