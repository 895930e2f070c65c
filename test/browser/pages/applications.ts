import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { CONSULTANT, MEMBER } from '../person.js';
import { CALLBACK, type PageVisitor } from './page-visitor.js';

/** What a person is asked for an application or a device, and pages of no folder. */
export function applicationPages(visitor: PageVisitor): void {
  it('consent for an application of somebody else', async () => {
    const { page, system } = visitor;
    await visitor.signIn(MEMBER);
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
    await visitor.look('consent');
  }, 60_000);

  it('a device: its code, a wrong one, the confirmation, approved, denied', async () => {
    const { page, system } = visitor;
    await visitor.signIn(CONSULTANT, 'Globex');
    const userCode = await system.beginDevice('television', 'Television');
    await page.goto(`${system.server}/device`);
    await visitor.look('device');
    await page.getByLabel('Code').fill('bbbb bbbb');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').waitFor();
    await visitor.look('device-wrong-code');
    await page.getByLabel('Code').fill(userCode.toLowerCase());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Approve' }).waitFor();
    await visitor.look('device-confirmation');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.waitForURL(`${system.server}/device/approved`);
    await visitor.look('device-approved');
    await page.goto(`${system.server}/device/denied`);
    await visitor.look('device-denied');
  }, 90_000);

  it('errors: an unknown application, a page that is not there', async () => {
    const { page, person, system } = visitor;
    await page.goto(`${system.server}/oauth2/authorize?client_id=nobody&response_type=code`);
    expect(await person.heading()).not.toBe('');
    await visitor.look('error-unknown-client');
    await page.goto(`${system.server}/nowhere`);
    await visitor.look('error-not-found');
  }, 60_000);

  it('the readiness report', async () => {
    const { page, system } = visitor;
    await visitor.signIn(MEMBER);
    await page.goto(`${system.server}/readiness`);
    await visitor.look('readiness');
  }, 90_000);
}
