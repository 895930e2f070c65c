import { mailLink, type Mail } from '#platform';
import { deviceName } from './device-name.js';

interface Person {
  readonly name: string;
  readonly email: string;
}

/** Whether anybody can have mail there: RFC 2606 §2 keeps `.invalid` for addresses that are none. */
export function isRead(email: string): boolean {
  return !email.endsWith('.invalid');
}

/** A first sign-in from a browser that the account was not known at. */
export function newDeviceMail(
  { name, email }: Person,
  device: { readonly userAgent: string; readonly address: string; readonly at: Date },
  issuer: string,
): Mail {
  return {
    to: email,
    subject: 'Somebody signed in to your account from a new device',
    paragraphs: [
      `Hello ${name},`,
      `somebody signed in to your account from a browser that has not been used for it before.`,
      `When: ${instant(device.at)}. From the network address ${device.address}. With: ${deviceName(device.userAgent)}.`,
      'If that was you, there is nothing to do.',
      'If it was not, somebody knows your password. Change it at once: that signs everybody out and forgets every device.',
      { label: 'Open Core Auth', url: mailLink(issuer, '/') },
    ],
  };
}

/** Whoever runs the service has ended a password that somebody else may know. */
export function passwordEndedMail(to: string, issuer: string): Mail {
  return {
    to,
    subject: 'The password of your account no longer works',
    paragraphs: [
      'Whoever runs this service has ended the password of your account, as is done when somebody else may know it. Every session of it has ended, and no browser is remembered.',
      'Choose a new one, which you use nowhere else. Your second factors are as they were; look at them when you have signed in.',
      { label: 'Choose a new password', url: mailLink(issuer, '/forgot-password') },
      'If you use the old password anywhere else, change it there too.',
    ],
  };
}

/** Too many wrong passwords; the link lets the owner of the mailbox sign in at once. */
export function unlockMail(
  { name, email }: Person,
  link: { readonly issuer: string; readonly secret: string; readonly until: Date },
): Mail {
  return {
    to: email,
    subject: 'Signing in to your account is paused',
    paragraphs: [
      `Hello ${name},`,
      'a wrong password was entered for your account too many times. Whoever tries from a browser that you have not used before has to wait now, a little longer each time.',
      'Was it you? This link lets you sign in at once, in the browser in which you open it:',
      { label: 'End the pause', url: mailLink(link.issuer, '/unlock', link.secret) },
      `It works once, until ${instant(link.until)}.`,
      'If it was not you, your account is protected, and there is nothing to do.',
    ],
  };
}

/** E.g. `2026-02-03 14:05 UTC`. */
function instant(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
