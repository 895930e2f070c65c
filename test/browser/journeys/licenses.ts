import { expect, it } from '@jest/globals';
import { CONSULTANT } from '../person.js';
import type { Town } from './town.js';

/** What an operator does for a customer. */
export function licenseStories(town: Town): void {
  it('an operator finds a license, gives a seat and takes it back, and the person feels both', async () => {
    const { system } = town;
    await system.addOrganization('brewery', 'Brewery');
    await system.addPerson('ivo@brewery.example', 'Ivo Nagel', { brewery: 'member' });
    await system.sell('brewery', 'projects');
    await system.sell('brewery', 'reports', 2);
    const ivo = await town.signedIn('ivo@brewery.example');
    expect(await ivo.entry('Reports').innerText()).toContain('Not available');
    const carla = await town.signedIn(CONSULTANT);
    await carla.go('/console/licenses');
    await carla.fill('Organization', 'Brew');
    await carla.press('Search');
    await carla.follow('Reports for Brewery');
    await carla.choose('Member without a seat', 'Ivo Nagel');
    await carla.press('Assign seat');
    expect(await carla.notice()).toBe('The seat was assigned.');
    await ivo.go('/');
    await ivo.follow('Open Reports');
    expect(new URL(ivo.page.url()).origin).toBe(system.reports);

    await carla.press('Release the seat of Ivo Nagel');
    expect(await carla.notice()).toBe('The seat was released.');
    const timeline = carla.part('Timeline').getByRole('listitem');
    expect(await timeline.first().innerText()).toMatch(/Ivo Nagel[\s\S]*by Carla/);
    await ivo.isTold(system.reports, 'No seat');
  }, 60_000);
}
