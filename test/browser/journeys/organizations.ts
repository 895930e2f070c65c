import { expect, it } from '@jest/globals';
import { VirtualAuthenticator } from '../virtual-authenticator.js';
import { addPasskey, setUpApp } from './factors.js';
import type { Town } from './town.js';

/** Who belongs to an organization, and as what. */
export function organizationStories(town: Town): void {
  it('somebody of two organizations switches between them, and sees what each has', async () => {
    const { system } = town;
    await system.addOrganization('north', 'Northern Works');
    await system.addOrganization('south', 'Southern Works');
    await system.addPerson('wim@works.example', 'Wim Tess', { north: 'owner', south: 'member' });
    await system.sell('north', 'projects');
    const wim = await town.signedIn('wim@works.example');
    expect(await wim.heading()).toBe('Choose an organization');
    await wim.leaveBy(wim.page.getByRole('button', { name: 'Northern Works' }));
    expect(await wim.reads('Your role: Owner')).toBe(true);
    expect(await wim.page.getByRole('link', { name: 'Open Projects' }).isVisible()).toBe(true);
    await wim.follow('Switch organization');
    expect(await wim.entry('Northern Works').innerText()).toContain('Current');
    await wim.leaveBy(wim.page.getByRole('button', { name: 'Southern Works' }));
    expect(await wim.reads('Your role: Member')).toBe(true);
    expect(await wim.entry('Projects').innerText()).toContain('Not available');
    await wim.go('/organization');
    expect(await wim.page.getByRole('link', { name: 'Settings' }).count()).toBe(0);
  }, 60_000);

  it('a role that is made of permissions is given to a member, and is in what programs get of that member', async () => {
    const { system } = town;
    await system.addPermissions('projects', 'owner', ['archive']);
    await system.addOrganization('archive', 'Archive');
    await system.addPerson('olga@archive.example', 'Olga Frey', { archive: 'owner' });
    await system.addPerson('matt@archive.example', 'Matt Hale', { archive: 'member' });
    await system.sell('archive', 'projects');
    const olga = await town.signedIn('olga@archive.example');
    await olga.go('/organization');
    await olga.follow('Roles');
    await olga.page.getByLabel('Name', { exact: true }).fill('Archivist');
    await olga.page.getByLabel('projects:archive', { exact: true }).check();
    await olga.press('Create the role');
    expect(await olga.notice()).toBe('The role was created.');
    expect(await olga.entry('Archivist').innerText()).toMatch(/archive[\s\S]*Nobody has it/);
    await olga.follow('People');
    await olga.unfold('Change role of Matt Hale');
    await olga.choose('Role', 'Archivist');
    await olga.press('Change the role');
    expect(await olga.notice()).toBe('The role was changed.');
    expect(await olga.entry('Matt Hale').innerText()).toContain('Archivist');
    const matt = await town.signedIn('matt@archive.example');
    expect(await matt.reads('Your role: Archivist')).toBe(true);
    const { userCode, claims } = await system.beginCommandLine();
    await matt.go('/device');
    await matt.fill('Code', userCode);
    await matt.press('Continue');
    await matt.press('Approve');
    expect(await matt.heading()).toBe('Your device is connected');
    expect(await claims()).toMatchObject({ entitlements: ['projects:archive'] });
    await olga.follow('Roles');
    expect(await olga.reads('1 person has it or is invited to it')).toBe(true);
    await olga.unfold('Delete Archivist');
    await olga.press('Delete the role');
    expect(await olga.refusal()).toContain('Nothing was changed');
  }, 60_000);

  it('a member who is removed is out of the organization and of its modules', async () => {
    const { system } = town;
    await system.addOrganization('depot', 'Depot');
    await system.addPerson('dora@depot.example', 'Dora Finch', { depot: 'owner' });
    await system.addPerson('gil@depot.example', 'Gil Amos', { depot: 'member' });
    await system.sell('depot', 'projects');
    const gil = await town.signedIn('gil@depot.example');
    await gil.open('projects');
    const dora = await town.signedIn('dora@depot.example');
    await dora.go('/organization/people');
    await dora.unfold('Remove Gil Amos');
    await dora.press('Remove', dora.entry('Gil Amos'));
    expect(await dora.notice()).toBe('The person was removed.');
    expect(await dora.entry('Gil Amos').count()).toBe(0);
    await gil.isShutOutOf(system.projects);
    await gil.go('/');
    expect(await gil.heading()).toBe('No organization yet');
  }, 60_000);

  it('the only owner cannot leave, hands over, and leaves then', async () => {
    const { system } = town;
    await system.addOrganization('ferry', 'Ferry');
    await system.addPerson('faye@ferry.example', 'Faye Lind', { ferry: 'owner' });
    await system.addPerson('hugo@ferry.example', 'Hugo Bell', { ferry: 'member' });
    const faye = await town.signedIn('faye@ferry.example');
    await faye.go('/organization');
    await faye.unfold('Leave the organization');
    await faye.press('Leave Ferry');
    expect(await faye.refusal()).toMatch(/owner/);
    await faye.follow('People');
    await faye.unfold('Hand over the organization to Hugo Bell');
    await faye.press('Hand over', faye.entry('Hugo Bell'));
    expect(await faye.notice()).toBe('The organization was handed over.');
    expect(await faye.entry('Faye Lind').innerText()).toContain('Administrator');
    const hugo = await town.signedIn('hugo@ferry.example');
    expect(await hugo.reads('Your role: Owner')).toBe(true);

    await faye.follow('Overview');
    await faye.unfold('Leave the organization');
    await faye.press('Leave Ferry');
    expect(await faye.heading()).toBe('No organization yet');
    await hugo.go('/organization/people');
    expect(await hugo.entry('Faye Lind').count()).toBe(0);
  }, 60_000);

  it('an organization that asks for a second factor lets a member go on once there is one', async () => {
    const { system } = town;
    await system.addOrganization('vault', 'Vault');
    await system.addPerson('vera@vault.example', 'Vera Stone', { vault: 'owner' });
    await system.addPerson('max@vault.example', 'Max Dorn', { vault: 'member' });
    await system.sell('vault', 'projects');
    const max = await town.signedIn('max@vault.example');
    await max.open('projects');
    const vera = await town.signedIn('vera@vault.example');
    await VirtualAuthenticator.in(vera.page);
    await vera.go('/organization/settings');
    expect(await vera.reads('2 of 2 members have none yet.')).toBe(true);
    await vera.follow('Add a second factor');
    await addPasskey(vera, 'Key');
    await vera.follow('I have kept them: continue');
    await vera.press('Ask for a second factor');
    expect(await vera.notice()).toBe('The rule was saved.');

    await max.isShutOutOf(system.projects);
    expect(await max.heading()).toBe('Add a second factor');
    expect(await max.reads('Vault asks for more than a password.')).toBe(true);
    await max.follow('Set up an authenticator app');
    await setUpApp(max);
    await max.follow('I have kept them: continue');
    expect(new URL(max.page.url()).origin).toBe(system.projects);
    await vera.go('/organization/settings');
    expect(await vera.reads('All 2 members have one.')).toBe(true);
  }, 60_000);
}
