import { expect } from '@jest/globals';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { totpCode, totpStep } from '#sessions';
import { hiddenFields, type HttpBrowser } from './http-browser.js';
import { SoftAuthenticator } from './soft-authenticator.js';
import { PASSWORD, type World } from './world.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const TOTP_PAGE = '/account/security/totp';
const STEP = 30_000;

/** An authenticator app that has scanned a secret; its clock is that of the world. */
export class App {
  constructor(
    private readonly world: World,
    readonly secret: Buffer,
  ) {}

  /** The code of now, or of so many steps later. */
  code(steps = 0): string {
    return totpCode(this.secret, totpStep(this.world.clock.now()) + steps);
  }

  /** How many milliseconds pass until so many seconds of a half minute are over. */
  untilSecond(second: number): number {
    return (second * 1000 - (this.world.clock.now().getTime() % STEP) + STEP) % STEP;
  }

  /** Waits, by the world's clock, until it shows a code that has not been used. */
  freshCode(): string {
    this.world.clock.advance(STEP);
    return this.code();
  }
}

/** What a page that adds a factor has shown. */
export interface Enrolled {
  readonly app: App;
  /** Those that came with the first factor. */
  readonly recoveryCodes: string[];
  readonly response: Response;
}

/** Sets an authenticator app up, in a browser in which its owner has signed in just now. */
export async function setUpApp(world: World, browser: HttpBrowser, page = TOTP_PAGE): Promise<Enrolled> {
  const shown = await browser.get(page);
  const html = await shown.text();
  if (shown.status !== 200) throw new Error(`${page}: ${shown.status} ${shown.headers.get('location')}`);
  const app = new App(world, secretOn(html));
  const response = await browser.post(TOTP_PAGE, { ...hiddenFields(html), code: app.code() });
  expect(response.status).toBe(200);
  return { app, recoveryCodes: recoveryCodesOn(await response.clone().text()), response };
}

/** The secret that a page shows to whoever types it. */
export function secretOn(html: string): Buffer {
  return secretFrom(/class="secret-text"[^>]*><code>([A-Z2-7 ]+)</.exec(html)?.[1] ?? '');
}

/** What an authenticator app reads, as it is typed. */
export function secretFrom(text: string): Buffer {
  const bits = [...text.replaceAll(' ', '')].map((one) => ALPHABET.indexOf(one).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => parseInt(byte, 2)));
}

export function recoveryCodesOn(html: string): string[] {
  return [...html.matchAll(/<code>((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})<\/code>/g)].map(([, code = '']) => code);
}

/** Adds a passkey, in a browser in which its owner has signed in just now. */
export async function addPasskey(browser: HttpBrowser, origin: string, name = 'Laptop') {
  const authenticator = new SoftAuthenticator(origin);
  const page = '/account/security';
  const options = await optionsAt<PublicKeyCredentialCreationOptionsJSON>(browser, page, `${page}/passkeys`);
  const response = await browser.post(`${page}/passkeys`, {
    ...(await formOf(browser, page)),
    name,
    credential: JSON.stringify(authenticator.create(options)),
  });
  expect(response.status).toBe(200);
  return { authenticator, recoveryCodes: recoveryCodesOn(await response.text()) };
}

/** The options that the script of a page asks for. */
export async function optionsAt<T = PublicKeyCredentialRequestOptionsJSON>(
  browser: HttpBrowser,
  page: string,
  action: string,
): Promise<T> {
  const answer = await browser.post(`${action}/options`, await formOf(browser, page), {
    accept: 'application/json',
  });
  if (answer.status !== 200) throw new Error(`${action}/options: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** What the forms of a page carry, whatever they are about. */
export async function formOf(browser: HttpBrowser, page: string): Promise<Record<string, string>> {
  const { csrf_token = '', return_to } = hiddenFields(await (await browser.get(page)).text());
  return { csrf_token, ...(return_to === undefined ? {} : { return_to }) };
}

/** A browser whose person has given the password and now owes the second factor. */
export async function withPassword(
  world: World,
  email: string,
  browser: HttpBrowser = world.browser(),
  page = '/sign-in',
): Promise<HttpBrowser> {
  const response = await browser.submit(page, '/sign-in', { email, password: PASSWORD });
  expect(new URL(response.headers.get('location') ?? '', world.url).pathname).toBe('/sign-in/second-factor');
  return browser;
}

/** Sends the second factor's form. */
export async function present(
  browser: HttpBrowser,
  fields: Readonly<Record<string, string>>,
  page = '/sign-in/second-factor',
): Promise<Response> {
  return browser.post('/sign-in/second-factor', { ...(await formOf(browser, page)), ...fields });
}
