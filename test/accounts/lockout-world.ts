import { Database, MailSealer, sql, type Mail, type SealedMail } from '#platform';
import { eventually } from '../support/answers.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { PASSWORD, type World } from '../support/world.js';

/** Lets a try come from any address: the server believes X-Forwarded-For of this machine. */
export const FROM_ANYWHERE = { CORE_AUTH_TRUSTED_PROXIES: '127.0.0.0/8,::1/128' };

export interface Try {
  readonly from?: string;
  readonly password?: string;
  readonly browser?: HttpBrowser;
  readonly userAgent?: string;
}

/** One try to sign in, from an address. */
export async function tryFrom(
  world: World,
  email: string,
  { from = '198.51.100.1', password = 'wrong', browser = world.browser(), userAgent = 'Test/1.0' }: Try = {},
): Promise<Response> {
  const headers = { 'x-forwarded-for': from, 'user-agent': userAgent };
  const page = await browser.get('/sign-in', headers);
  return browser.post('/sign-in', { ...hiddenFields(await page.text()), email, password }, headers);
}

export async function failTimes(world: World, count: number, email: string, from?: string): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const { status } = await tryFrom(world, email, from === undefined ? {} : { from });
    if (status !== 401) throw new Error(`failure ${number + 1} was answered ${status}`);
  }
}

/** A browser that the account is known at, as whoever has signed in there before. */
export async function knownBrowser(world: World, email: string, from = '203.0.113.50'): Promise<HttpBrowser> {
  const browser = world.browser();
  const { status } = await tryFrom(world, email, { from, browser, password: PASSWORD });
  if (status !== 303) throw new Error(`sign-in answered ${status}`);
  return browser;
}

/** What waits to be sent to this mailbox, the oldest first. */
export async function mailsTo(world: World, email: string): Promise<Mail[]> {
  const rows = await world.app.get(Database).query<SealedMail>(sql`
    SELECT id, mail_envelope AS envelope FROM mails ORDER BY created_at, id`);
  return rows.map((row) => world.app.get(MailSealer).open(row)).filter(({ to }) => to === email);
}

/** The path of the link in the newest of `count` mails to this mailbox. */
export async function linkMailed(world: World, email: string, count = 1): Promise<string> {
  const mails = await eventually(async () => {
    const there = await mailsTo(world, email);
    return there.length >= count ? there : undefined;
  }, `mail ${count} to ${email}`);
  const action = mails.at(-1)?.paragraphs.find((part) => typeof part === 'object');
  const { pathname, search } = new URL(action?.url ?? '');
  return `${pathname}${search}`;
}

export interface AuditRow {
  readonly act: string;
  readonly actor: string;
  readonly target: string;
  readonly address: string | null;
  readonly factor: string | null;
  readonly result: string;
  readonly detail: Record<string, unknown> | null;
}

export function audited(world: World, act: string, target: string): Promise<AuditRow[]> {
  return world.app.get(Database).query<AuditRow>(sql`
    SELECT act, actor, target, address, factor, result, detail FROM audit_events
     WHERE act = ${act} AND target = ${target} ORDER BY id`);
}
