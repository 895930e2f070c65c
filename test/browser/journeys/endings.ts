import { expect, it } from '@jest/globals';
import type { Town } from './town.js';

/** How an organization or an account ends, and does not. */
export function endingStories(town: Town): void {
  it('an organization that is to be deleted is kept by another owner, and its data is a file', async () => {
    const { system } = town;
    await system.addOrganization('bakery', 'Bakery');
    await system.addPerson('bea@bakery.example', 'Bea Kraus', { bakery: 'owner' });
    await system.addPerson('ben@bakery.example', 'Ben Kraus', { bakery: 'owner' });
    const bea = await town.signedIn('bea@bakery.example');
    await bea.go('/organization');
    await bea.follow('Settings');
    const file = await bea.saves(() => bea.page.getByRole('link', { name: 'Export' }).click());
    expect(file.name).toMatch(/\.json$/);
    expect(JSON.stringify(JSON.parse(file.content))).toContain('ben@bakery.example');
    await bea.fill('Type “bakery” to confirm', 'Bakery?');
    await bea.press('Delete Bakery');
    expect(await bea.refusal()).toContain('Nothing was changed');
    await bea.fill('Type “bakery” to confirm', 'bakery');
    await bea.press('Delete Bakery');
    expect(await bea.reads('Bakery will be deleted')).toBe(true);

    const ben = await town.visitor();
    await ben.followMail('ben@bakery.example', 'Open the organization');
    await ben.signIn('ben@bakery.example');
    expect(await ben.reads('Bakery will be deleted')).toBe(true);
    await ben.press('Keep the organization');
    expect(await ben.notice()).toBe('The organization is kept.');
    await bea.page.reload();
    expect(await bea.reads('Bakery will be deleted')).toBe(false);
  }, 60_000);

  it('somebody who asks for the end of their account takes their data along, and keeps it after all', async () => {
    const { system } = town;
    await system.addOrganization('studio', 'Studio');
    await system.addPerson('kim@studio.example', 'Kim Sand', { studio: 'owner' });
    const kim = await town.signedIn('kim@studio.example');
    await kim.go('/account');
    await kim.follow('Your data');
    const file = await kim.saves(() => kim.page.getByRole('link', { name: 'Download' }).click());
    expect(file.name).toBe('account.json');
    expect(JSON.stringify(JSON.parse(file.content))).toContain('kim@studio.example');
    await kim.unfold('Delete the account');
    await kim.fill('Type “kim@studio.example” to confirm', 'kim@studio.example');
    await kim.press('Delete my account');
    // the only owner of an organization has to see to it first
    expect(await kim.refusal()).toContain('Studio');

    await kim.go('/organization/settings');
    await kim.fill('Type “studio” to confirm', 'studio');
    await kim.press('Delete Studio');
    await kim.go('/account/data');
    await kim.unfold('Delete the account');
    await kim.fill('Type “kim@studio.example” to confirm', 'kim@studio.example');
    await kim.press('Delete my account');
    expect(await kim.reads('Your account will be deleted')).toBe(true);
    await kim.signOut();
    await kim.followMail('kim@studio.example', 'Keep the account');
    await kim.signIn('kim@studio.example');
    await kim.press('Keep the account');
    expect(await kim.notice()).toBe('Your account is kept.');
    expect(await kim.reads('Your account will be deleted')).toBe(false);
  }, 60_000);
}
