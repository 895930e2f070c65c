import { expect, it } from '@jest/globals';
import type { Town } from './town.js';

/** Where somebody is signed in, and what was let in. */
export function sessionStories(town: Town): void {
  it('somebody sees where they are signed in, ends one session and then all others, each out of its module too', async () => {
    const { system } = town;
    await system.addPerson('sol@acme.example', 'Sol Brandt', { acme: 'member' });
    const [first, second] = [
      await town.signedIn('sol@acme.example'),
      await town.signedIn('sol@acme.example'),
    ];
    const sol = await town.signedIn('sol@acme.example');
    await sol.go('/account/sessions');
    const listed = sol.part('Where you are signed in').getByRole('listitem');
    expect(await listed.count()).toBe(3);
    expect(await listed.filter({ hasText: 'This one' }).count()).toBe(1);
    expect(await listed.first().innerText()).toMatch(/Chrom\w+[\s\S]*Signed in[\s\S]*Last used/);
    for (const one of [first, second]) await one.open('projects');

    await sol.press('End', listed.filter({ hasNotText: 'This one' }).first());
    expect(await sol.notice()).toBe('The session has ended.');
    expect(await listed.count()).toBe(2);
    await sol.press('End all other sessions');
    expect(await sol.notice()).toBe('Every other session has ended.');
    expect(await listed.count()).toBe(1);
    for (const one of [first, second]) {
      await one.isOutOf('/account');
      await one.isOutOf(system.projects);
    }
    await sol.go('/');
    expect(await sol.heading()).toBe('Welcome, Sol Brandt');
  }, 60_000);

  it('an application whose access is ended is out, wherever it was open', async () => {
    const { system } = town;
    await system.addPerson('ari@acme.example', 'Ari Lund', { acme: 'member' });
    const elsewhere = await town.signedIn('ari@acme.example');
    await elsewhere.open('projects');
    await elsewhere.forgetCoreAuth();
    const ari = await town.signedIn('ari@acme.example');
    await ari.go('/account');
    await ari.follow('Applications');
    await ari.press('End access', ari.part(/^Projects/));
    expect(await ari.notice()).toContain('The access has ended.');
    expect(await ari.reads('No application has access to your account.')).toBe(true);
    await elsewhere.isOutOf(system.projects);
  }, 60_000);

  it('an organization that lets sessions rest and end sooner is felt by its members', async () => {
    const { system } = town;
    await system.addOrganization('lighthouse', 'Lighthouse');
    await system.addPerson('lea@lighthouse.example', 'Lea Marsh', { lighthouse: 'owner' });
    await system.addPerson('tom@lighthouse.example', 'Tom Reed', { lighthouse: 'member' });
    await system.sell('lighthouse', 'projects');
    const tom = await town.signedIn('tom@lighthouse.example');
    await tom.open('projects');
    const lea = await town.signedIn('lea@lighthouse.example');
    await lea.go('/organization/settings');
    await lea.fill('Minutes without use', '4');
    await lea.press('Save', lea.part('Sessions'));
    expect(await lea.refusal()).toContain('Nothing was changed');
    expect(await lea.page.getByLabel('Minutes without use').getAttribute('aria-invalid')).toBe('true');
    expect(await lea.page.getByLabel('Minutes without use').inputValue()).toBe('4');
    await lea.fill('Minutes without use', '10');
    await lea.press('Save', lea.part('Sessions'));
    expect(await lea.notice()).toBe('The limits were saved.');

    await system.backdateSessions('tom@lighthouse.example', 9);
    await tom.go('/account');
    expect(await tom.heading()).toBe('Your account');
    await system.backdateSessions('tom@lighthouse.example', 11);
    await tom.go('/account');
    expect(await tom.heading()).toBe('Sign in');
    await tom.signIn('tom@lighthouse.example');
    expect(await tom.heading()).toBe('Your account');

    await tom.open('projects');
    await system.backdateSessions('tom@lighthouse.example', 8);
    await tom.go('/account');
    await lea.fill('Minutes in any case', '5');
    await lea.press('Save', lea.part('Sessions'));
    await tom.forgetCoreAuth();
    await tom.isOutOf(system.projects);
  }, 60_000);
}
