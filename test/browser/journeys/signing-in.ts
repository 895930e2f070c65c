import { expect, it } from '@jest/globals';
import type { Town } from './town.js';

const SENTENCE = 'nineteen quiet pelicans';

/** How somebody gets back in, and changes what they sign in with. */
export function signingInStories(town: Town): void {
  it('a forgotten password is replaced by mail, and whoever used the old one is out, in modules too', async () => {
    const { system } = town;
    await system.addPerson('rosa@acme.example', 'Rosa Pell', { acme: 'member' });
    const elsewhere = await town.signedIn('rosa@acme.example');
    await elsewhere.open('projects');

    const rosa = await town.visitor();
    await rosa.go('/sign-in');
    await rosa.follow('Forgotten your password?');
    await rosa.fill('E-mail address', 'rosa@acme.example');
    await rosa.press('Send the mail');
    expect(await rosa.heading()).toBe('Look into your mailbox');
    await rosa.followMail('rosa@acme.example', 'Choose a new password');
    await rosa.fill('New password', 'rosa rosa rosa rosa');
    await rosa.press('Set the password');
    expect(await rosa.refusal()).toContain('Nothing has been changed');
    await rosa.fill('New password', SENTENCE);
    await rosa.press('Set the password');
    expect(await rosa.heading()).toBe('Your password is changed');
    await elsewhere.isOutOf('/account');
    await elsewhere.isOutOf(system.projects);

    await rosa.follow('Sign in');
    await rosa.signIn('rosa@acme.example');
    expect(await rosa.refusal()).toContain('The e-mail address or the password is not right.');
    await rosa.signIn('rosa@acme.example', SENTENCE);
    expect(await rosa.heading()).toBe('Welcome, Rosa Pell');
    expect(await rosa.mailsTo('rosa@acme.example')).toContain('Your password was changed');
    await rosa.followMail('rosa@acme.example', 'Choose a new password');
    expect(await rosa.heading()).toBe('This link no longer works');
  }, 60_000);

  it('wrong passwords pause signing in, and a link that is mailed ends the pause', async () => {
    const { system } = town;
    await system.addPerson('una@acme.example', 'Una Walsh', { acme: 'member' });
    const una = await town.visitor();
    await una.go('/sign-in');
    for (let tries = 0; tries < 20; tries += 1) {
      await una.signIn('una@acme.example', 'not the password at all');
      if ((await una.refusal()).includes('Too many attempts')) break;
    }
    expect(await una.refusal()).toContain('signing in is paused');
    expect(await una.page.getByLabel('E-mail address').inputValue()).toBe('una@acme.example');
    await una.signIn('una@acme.example');
    expect(await una.refusal()).toContain('signing in is paused');
    await una.followMail('una@acme.example', 'End the pause');
    await una.press('End the pause');
    expect(await una.heading()).toBe('The pause has ended');
    await una.follow('Sign in');
    await una.signIn('una@acme.example');
    expect(await una.heading()).toBe('Welcome, Una Walsh');
  }, 60_000);

  it('another address takes the place of the old one once its mail was followed', async () => {
    const { system } = town;
    await system.addPerson('ada@acme.example', 'Ada Short', { acme: 'member' });
    const ada = await town.signedIn('ada@acme.example');
    await ada.go('/account');
    await ada.follow('E-mail address');
    await ada.fill('New e-mail address', 'ada.long@acme.example');
    await ada.fill('Current password', 'not the password at all');
    await ada.press('Send the mail');
    expect(await ada.refusal()).toContain('Nothing has been changed');
    expect(await ada.page.getByLabel('New e-mail address').inputValue()).toBe('ada.long@acme.example');
    await ada.fill('Current password', system.password);
    await ada.press('Send the mail');
    expect(await ada.heading()).toBe('Look into your mailbox');
    await ada.followMail('ada.long@acme.example', 'Use this address');
    await ada.press('Use this address');
    expect(await ada.heading()).toBe('Your address is changed');
    expect(await ada.mailsTo('ada@acme.example')).toContain('The e-mail address of your account was changed');

    await ada.signOut();
    await ada.go('/sign-in');
    await ada.signIn('ada@acme.example');
    expect(await ada.refusal()).toContain('The e-mail address or the password is not right.');
    await ada.signIn('ada.long@acme.example');
    expect(await ada.heading()).toBe('Welcome, Ada Short');
  }, 60_000);

  it('another password ends every other session, in modules too, and keeps the one that changed it', async () => {
    const { system } = town;
    await system.addPerson('pia@acme.example', 'Pia Voss', { acme: 'member' });
    const elsewhere = await town.signedIn('pia@acme.example');
    await elsewhere.open('projects');

    const pia = await town.signedIn('pia@acme.example');
    await pia.go('/account');
    await pia.follow('Password');
    await pia.fill('Current password', 'not the password at all');
    await pia.fill('New password', SENTENCE);
    await pia.press('Change the password');
    expect(await pia.refusal()).toContain('Nothing has been changed');
    await pia.fill('Current password', system.password);
    await pia.fill('New password', SENTENCE);
    await pia.press('Change the password');
    expect(await pia.heading()).toBe('Your password is changed');
    await pia.go('/');
    expect(await pia.heading()).toBe('Welcome, Pia Voss');
    await elsewhere.isOutOf('/account');
    await elsewhere.isOutOf(system.projects);
    await elsewhere.signIn('pia@acme.example');
    expect(await elsewhere.refusal()).toContain('The e-mail address or the password is not right.');
  }, 60_000);
}
