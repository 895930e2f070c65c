import { expect, it } from '@jest/globals';
import type { Town } from './town.js';

const SENTENCE = 'nineteen quiet pelicans';

/** How somebody comes to belong. */
export function joiningStories(town: Town): void {
  it('somebody new registers by mail, makes an organization, and opens a module as soon as it is bought', async () => {
    const { system } = town;
    const anna = await town.visitor();
    await anna.go('/');
    await anna.follow('Make an account');
    await anna.fill('E-mail address', 'anna@hilltop.example');
    await anna.press('Send the mail');
    expect(await anna.heading()).toBe('Look into your mailbox');
    await anna.followMail('anna@hilltop.example', 'Make the account');
    expect(await anna.reads('anna@hilltop.example')).toBe(true);
    await anna.fill('Your name', 'Anna Berg');
    await anna.fill('Password', 'too short');
    await anna.press('Make the account');
    expect(await anna.refusal()).toContain('Nothing has been changed');
    expect(await anna.page.getByLabel('Your name').inputValue()).toBe('Anna Berg');
    await anna.fill('Password', SENTENCE);
    await anna.press('Make the account');
    expect(await anna.heading()).toBe('No organization yet');
    await anna.follow('Create an organization');
    await anna.fill('Name', 'Hilltop');
    await anna.press('Create');
    expect(await anna.notice()).toContain('The organization was created.');

    await anna.go('/');
    expect(await anna.heading()).toBe('Welcome, Anna Berg');
    expect(await anna.entry('Projects').innerText()).toContain('Not available');
    await system.sell('hilltop', 'projects');
    await anna.go('/');
    await anna.follow('Open Projects');
    expect(await anna.page.getByRole('banner').innerText()).toContain('Hilltop');
    await anna.fill('Name', 'First of all');
    await anna.press('Create');
    expect(await anna.reads('First of all')).toBe(true);
    // the link of the mail has done what it was for
    const later = await town.visitor();
    await later.followMail('anna@hilltop.example', 'Make the account');
    expect(await later.heading()).toBe('This link no longer works');
  }, 60_000);

  it('somebody new follows an invitation, and has the seat that was kept for them', async () => {
    const { system } = town;
    await system.addOrganization('harbor', 'Harbor');
    await system.addPerson('hana@harbor.example', 'Hana Ito', { harbor: 'owner' });
    await system.sell('harbor', 'projects');
    await system.sell('harbor', 'reports', 1);
    const hana = await town.signedIn('hana@harbor.example');
    await hana.go('/organization/invitations');
    await hana.fill('E-mail addresses', 'newcomer@harbor.example\nnobody');
    await hana.choose('Seat to keep', 'Reports');
    await hana.press('Send invitations');
    expect(await hana.notice()).toContain('1 of 2 invited');
    expect(await hana.entry('nobody').innerText()).toContain('address');
    await hana.go('/console/licenses');
    await hana.follow('Reports');
    expect(await hana.part(/seats/i).innerText()).toMatch(
      /newcomer@harbor\.example\s+Kept for the invitation/,
    );

    const nora = await town.visitor();
    await nora.followMail('newcomer@harbor.example', 'See the invitation');
    expect(await nora.heading()).toBe('Join Harbor');
    expect(await nora.reads('Member, with a seat that is kept for you')).toBe(true);
    await nora.fill('Your name', 'Nora Lang');
    await nora.fill('Password', 'harbor');
    await nora.press('Create the account and join');
    expect(await nora.refusal()).toContain('Not done yet');
    expect(await nora.page.getByLabel('Your name').inputValue()).toBe('Nora Lang');
    await nora.fill('Password', SENTENCE);
    await nora.press('Create the account and join');
    expect(await nora.notice()).toContain('You belong to the organization now.');
    await nora.go('/');
    await nora.follow('Open Reports');
    expect(new URL(nora.page.url()).origin).toBe(system.reports);

    await hana.page.reload();
    expect(await hana.part(/seats/i).innerText()).toMatch(/Nora Lang\s+newcomer@harbor\.example\s+Invited/);
    await hana.go('/organization/invitations');
    expect(await hana.reads('Nobody is invited at the moment.')).toBe(true);
  }, 60_000);

  it('somebody with an account joins by an invitation that was sent again, and one that was withdrawn is worth nothing and keeps no seat', async () => {
    const { system } = town;
    await system.addOrganization('mill', 'Mill');
    await system.addOrganization('quarry', 'Quarry');
    await system.sell('mill', 'reports', 2);
    await system.addPerson('mona@mill.example', 'Mona Adler', { mill: 'owner' });
    await system.addPerson('quentin@quarry.example', 'Quentin Roth', { quarry: 'owner' });
    const mona = await town.signedIn('mona@mill.example');
    await mona.go('/organization/invitations');
    await mona.fill('E-mail addresses', 'quentin@quarry.example\nsomebody@mill.example');
    await mona.choose('Role', 'Administrator');
    await mona.choose('Seat to keep', 'Reports');
    await mona.press('Send invitations');
    await mona.press('Send again the invitation to quentin@quarry.example');
    expect(await mona.notice()).toContain('The invitation was sent again.');
    await mona.unfold('Withdraw the invitation of somebody@mill.example');
    await mona.press('Withdraw', mona.entry('somebody@mill.example'));
    expect(await mona.notice()).toContain('The invitation was withdrawn.');
    await mona.go('/console/licenses');
    expect(await mona.entry('Reports').innerText()).toContain('1 of 2 seats in use');

    const quentin = await town.visitor();
    await quentin.followMail('somebody@mill.example', 'See the invitation');
    expect(await quentin.heading()).toBe('This invitation cannot be used');
    await quentin.followMail('quentin@quarry.example', 'See the invitation', 1);
    expect(await quentin.heading()).toBe('This invitation cannot be used');
    await quentin.followMail('quentin@quarry.example', 'See the invitation');
    await quentin.follow('Sign in to join');
    await quentin.fill('Password', system.password);
    await quentin.press('Sign in');
    expect(await quentin.heading()).toBe('Join Mill');
    await quentin.press('Join');
    expect(await quentin.notice()).toContain('You belong to the organization now.');
    await quentin.go('/');
    expect(await quentin.reads('Mill')).toBe(true);
    expect(await quentin.reads('Your role: Administrator')).toBe(true);

    await mona.go('/organization/people');
    expect(await mona.entry('Quentin Roth').innerText()).toContain('Administrator');
  }, 60_000);
}
