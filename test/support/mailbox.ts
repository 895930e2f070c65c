import { MailRepository } from '#events';
import { MailSealer, type Mail } from '#platform';
import type { World } from './world.js';

/** The mails to an address that were queued and not sent, the newest first. */
export async function mailsTo(world: World, address: string): Promise<Mail[]> {
  const sealer = world.app.get(MailSealer);
  const mails = (await world.app.get(MailRepository).latest(1000)).map((mail) => sealer.open(mail));
  return mails.filter(({ to }) => to === address);
}

/** Where the link of the newest mail to an address leads, as a path of this server; undefined without one. */
export async function linkTo(world: World, address: string): Promise<string | undefined> {
  const [mail] = await mailsTo(world, address);
  const action = mail?.paragraphs.find((paragraph) => typeof paragraph !== 'string');
  if (action === undefined) return undefined;
  const url = new URL(action.url);
  if (url.origin !== world.env['CORE_AUTH_URL']) throw new Error(`the mail leads to ${url.origin}`);
  return url.pathname + url.search;
}
