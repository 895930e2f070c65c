import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { totpCode, totpStep } from '#sessions';
import { secretOn } from '../../support/factors.js';
import { VirtualAuthenticator } from '../virtual-authenticator.js';
import { CALLBACK, type PageVisitor } from './page-visitor.js';

/** The pages of factors, which one person has from then on. */
export function factorPages(visitor: PageVisitor): void {
  it('the account: its overview, factors, an authenticator app, a passkey, the second step, step-up', async () => {
    const { page, person, system } = visitor;
    const authenticator = await VirtualAuthenticator.in(page);
    await authenticator.answersByItself(true);
    await visitor.signIn('admin@globex.example');
    await page.goto(`${system.server}/account`);
    await visitor.look('account');
    await page.goto(`${system.server}/account/security`);
    await visitor.look('account-security-empty');
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
    await visitor.look('step-up');
    await page.goto(`${system.server}/account/security/totp`);
    const secret = secretOn(await page.content());
    await visitor.look('account-totp');
    await page.getByLabel('Code that the app shows now').fill('000000');
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('alert').waitFor();
    await visitor.look('account-totp-wrong');
    await page.getByLabel('Code that the app shows now').fill(totpCode(secret, totpStep(new Date())));
    await page.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('heading', { name: 'Your authenticator app is set up' }).waitFor();
    await visitor.look('account-factor-added');
    await page.goto(`${system.server}/account/security`);
    await page
      .getByLabel('Name of the new passkey')
      .fill('Work laptop with a rather long name, as they come');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('heading', { name: 'Your passkey was added' }).waitFor();
    await page.goto(`${system.server}/account/security`);
    for (const summary of await page.locator('summary').all()) await summary.click();
    await visitor.look('account-security');
    await page.goto(`${system.server}/organization/settings`);
    await visitor.look('organization-settings-second-factor');
    await page.getByRole('button', { name: 'Ask for a second factor' }).click();
    await page.getByRole('status').waitFor();
    await visitor.look('organization-settings-rule');
    await authenticator.answersByItself(false);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${system.server}/signed-out`);
    await visitor.signIn('admin@globex.example');
    await visitor.look('second-factor');
    await page.getByText('Use a recovery code instead').click();
    await page.getByLabel('Recovery code').fill('not a code');
    await page.getByRole('button', { name: 'Use the recovery code' }).click();
    await page.getByRole('alert').first().waitFor();
    await visitor.look('second-factor-wrong');
  }, 120_000);
}
