import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InitialAccessTokenRepository } from '#oauth';
import { addSeconds, Database } from '#platform';
import { eventually } from '../support/answers.js';
import { BuiltProcess } from '../support/built-process.js';
import { beginDevice, decideDevice, DEVICE_GRANT, enterCode, pollDevice } from '../support/device.js';
import { DpopKey } from '../support/dpop-key.js';
import {
  addPasskey,
  formOf,
  optionsAt,
  present,
  secretOn,
  setUpApp,
  withPassword,
} from '../support/factors.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { linkTo } from '../support/mailbox.js';
import { callRegistration } from '../support/registering.js';
import { encoded, SeenSecrets, type SeenSecret } from '../support/seen-secrets.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';
import { PASSWORD, World, type Answer } from '../support/world.js';

export const AGENT = 'Sentinel/7.25 (a browser that nobody else has)';
export const ADDRESS = '203.0.113.77';
/** An address that no account has. */
export const NOBODY = 'typed-and-unknown@nobody.example';
const FROM = { 'user-agent': AGENT, 'x-forwarded-for': ADDRESS };
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const SCOPE = 'openid profile email offline_access projects:read';

/** A server at which everything has happened that leaves something in the database, watched by its clients. */
export class EventfulWorld {
  private readonly watch = new SeenSecrets();
  private readonly folder = mkdtempSync(join(tmpdir(), 'eventful-'));

  private constructor(
    readonly world: World,
    private readonly receiver: WebhookReceiver,
  ) {}

  static async start(): Promise<EventfulWorld> {
    const world = await World.start({
      env: { CORE_AUTH_TRUSTED_PROXIES: '127.0.0.0/8,::1/128', CORE_AUTH_REGISTRATION: 'token' },
    });
    const eventful = new EventfulWorld(world, await WebhookReceiver.start());
    await eventful.signIns();
    await eventful.letters();
    await eventful.factors();
    await eventful.authorizations();
    await eventful.machines();
    await eventful.licenseFile();
    eventful.watch.stop();
    return eventful;
  }

  async stop(): Promise<void> {
    rmSync(this.folder, { recursive: true });
    await this.world.stop();
    await this.receiver.stop();
  }

  /** All that a client has seen and nobody else may. */
  get secrets(): readonly SeenSecret[] {
    return this.watch.all;
  }

  private async signInFrom(email: string, password: string, browser = this.world.browser()) {
    const page = await browser.get('/sign-in', FROM);
    const fields = { ...hiddenFields(await page.text()), email, password };
    return { browser, answer: await browser.post('/sign-in', fields, FROM) };
  }

  private async newPerson(email: string): Promise<HttpBrowser> {
    await this.world.createPerson(email, 'Pia Person', { acme: 'member' });
    return (await this.signInFrom(email, PASSWORD)).browser;
  }
  /** Right, wrong and for nobody, until a letter opens the account again. */
  private async signIns(): Promise<void> {
    good((await this.signInFrom('owner@acme.example', PASSWORD)).answer, 303);
    good((await this.signInFrom(NOBODY, 'what somebody typed')).answer, 401);
    for (let time = 0; time < 6; time += 1) await this.signInFrom('admin@globex.example', 'a wrong password');
    const path = await this.eventuallyLinkTo('admin@globex.example');
    good(await this.world.browser().submit(path, '/unlock', {}), 303);
    for (let time = 0; time < 6; time += 1)
      await this.signInFrom('consultant@partners.example', 'a wrong password');
    await this.eventuallyLinkTo('consultant@partners.example');
  }

  /** Every letter with a link, once used and once still open. */
  private async letters(): Promise<void> {
    for (const [index, email] of ['used@new.example', 'open@new.example'].entries()) {
      await this.world.browser().submit('/register', '/register', { email });
      const registration = this.watch.link(await linkTo(this.world, email));
      if (index === 0) {
        const fields = { name: 'Nora New', password: 'a registered passphrase' };
        good(await this.world.browser().submit(registration, '/register/complete', fields), 303);
      }
      const owner = await this.world.signIn('owner@acme.example');
      await owner.submit('/organization/invitations', '/organization/invitations', {
        addresses: `invited-${index}@new.example`,
        role: 'member',
      });
      const invitation = this.watch.link(await linkTo(this.world, `invited-${index}@new.example`));
      if (index === 0) {
        const fields = { name: 'Ina Invited', password: 'an invited passphrase' };
        good(await this.world.browser().submit(invitation, '/invitation', fields), 303);
      }
      const person = `forgetful-${index}@acme.example`;
      const browser = await this.newPerson(person);
      const change = { email: `moved-${index}@new.example`, current_password: PASSWORD };
      good(await browser.submit('/account/address', '/account/address', change), 303);
      const address = this.watch.link(await linkTo(this.world, change.email));
      if (index === 0) good(await browser.submit(address, '/account/address/confirm', {}), 303);
      const present = index === 0 ? change.email : person;
      await this.world.browser().submit('/forgot-password', '/forgot-password', { email: present });
      const reset = this.watch.link(await linkTo(this.world, present));
      if (index === 0) {
        good(
          await this.world.browser().submit(reset, '/reset-password', { password: 'a passphrase of later' }),
          303,
        );
      }
    }
  }

  /** An app that is replaced, recovery codes of which one is used, a remembered device, a passkey. */
  private async factors(): Promise<void> {
    const email = 'factors@acme.example';
    const browser = await this.newPerson(email);
    const shown = secretOn(await (await browser.get('/account/security/totp')).text());
    for (const text of encoded(shown)) this.watch.note('the secret of an app that was offered', text);
    const { app, recoveryCodes } = await setUpApp(this.world, browser);
    for (const code of recoveryCodes) this.watch.note('recovery code', code);
    for (const text of encoded(app.secret)) this.watch.note('the secret of an app', text);
    const pending = await withPassword(this.world, email);
    good(await present(pending, { method: 'totp', code: app.freshCode(), remember: 'on' }), 303);
    const [code = ''] = recoveryCodes;
    good(await present(await withPassword(this.world, email), { method: 'recovery-code', code }), 303);
    await withPassword(this.world, email);
    const keyholder = await this.newPerson('keyholder@acme.example');
    const { authenticator } = await addPasskey(keyholder, this.world.url);
    const other = this.world.browser();
    const options = await optionsAt(other, '/sign-in', '/sign-in/passkey');
    const credential = JSON.stringify(authenticator.get(options));
    good(await other.post('/sign-in/passkey', { ...(await formOf(other, '/sign-in')), credential }), 303);
  }

  /** Codes, tokens of every kind, pushed requests and devices, each once used and once waiting. */
  private async authorizations(): Promise<void> {
    const client = this.world.client('projects');
    const { browser } = await this.signInFrom('member@acme.example', PASSWORD);
    await this.world.code(client, browser);
    const code = await this.world.code(client, browser, { scope: SCOPE });
    const { body: tokens } = good(await this.world.exchange(client, code));
    const { body: refreshed } = good(await this.world.refresh(client, String(tokens['refresh_token'])));
    await this.world.introspect(client, String(refreshed['access_token']));
    await this.world.revoke(client, String(tokens['access_token']));
    const opaque = await this.world.createClient({ id: 'opaque', accessTokenFormat: 'opaque' });
    good(await this.world.exchange(opaque, await this.world.code(opaque, browser)));
    const hint = { login_hint: 'hinted-at@acme.example' };
    const pushed: Answer[] = [];
    for (let time = 0; time < 2; time += 1) {
      const { parameters } = this.world.authorizationRequest(client, hint);
      pushed.push(good(await this.world.call('/oauth2/par', client, parameters), 201));
    }
    const request = { client_id: client.id, request_uri: String(pushed[0]?.body['request_uri']) };
    good(await browser.get(`/oauth2/authorize?${new URLSearchParams(request)}`), 303);
    const television = await this.world.createClient({
      id: 'television',
      grantTypes: [DEVICE_GRANT, 'refresh_token'],
      redirectUris: [],
    });
    const device = await beginDevice(this.world, television);
    await decideDevice(browser, device);
    good(await pollDevice(this.world, television, device));
    await enterCode(browser, (await beginDevice(this.world, television)).user_code);
    const key = await DpopKey.create();
    const bound = await this.world.code(client, browser);
    const proof = await key.proof({
      method: 'POST',
      url: `${this.world.url}/oauth2/token`,
      now: this.world.clock.now(),
    });
    await fetch(`${this.world.url}/oauth2/token`, {
      method: 'POST',
      headers: { dpop: proof },
      body: new URLSearchParams({
        ...{ grant_type: 'authorization_code', code: bound.code, code_verifier: bound.verifier },
        ...{ client_id: client.id, client_secret: client.secret ?? '' },
      }),
    });
    this.watch.note('DPoP proof', proof);
    good(await browser.submit('/sign-out', '/sign-out', {}), 303);
  }

  /** Clients that register themselves, webhooks, token exchange. */
  private async machines(): Promise<void> {
    const initial = new InitialAccessTokenRepository(this.world.app.get(Database), this.world.clock);
    const { token } = await initial.create(2, addSeconds(this.world.clock.now(), 86_400), 'test');
    const body = { redirect_uris: ['https://self.example/callback'] };
    good(await callRegistration(`${this.world.url}/oauth2/register`, { body, token }), 201);
    const client = this.world.client('projects');
    const hook = good(await this.world.call('/v1/webhooks', client, { url: this.receiver.url }), 201);
    good(await this.world.call(`/v1/webhooks/${String(hook.body['id'])}/secret`, client, {}));
    const trader = await this.world.createClient({
      id: 'trader',
      moduleKey: 'projects',
      grantTypes: ['authorization_code', 'client_credentials', EXCHANGE],
    });
    const { browser } = await this.signInFrom('member@acme.example', PASSWORD);
    const tokens = good(await this.world.exchange(trader, await this.world.code(trader, browser)));
    await this.world.token(trader, {
      grant_type: EXCHANGE,
      subject_token: String(tokens.body['access_token']),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
  }

  private async licenseFile(): Promise<void> {
    const output = join(this.folder, 'license.jwt');
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: [
        ...['license', 'issue', '--organization', 'acme', '--module', 'projects', '--instance', 'plant'],
        ...['--seats', '0', '--output', output],
      ],
      env: { ...this.world.env, DATABASE_URL: this.world.database.url },
    });
    const { code } = await program.ended;
    if (code !== 0) throw new Error(program.output);
    this.watch.note('license file', readFileSync(output, 'utf8').trim());
    this.watch.note(
      'signature of a license file',
      readFileSync(output, 'utf8').trim().split('.').at(-1) ?? '',
    );
  }

  private async eventuallyLinkTo(email: string): Promise<string> {
    return this.watch.link(await eventually(() => linkTo(this.world, email), `a link to ${email}`));
  }
}

/** @throws Error unless the answer is the one that was expected */
function good<A extends { status: number }>(answer: A, status = 200): A {
  if (answer.status !== status) throw new Error(`answered ${answer.status}, not ${status}`);
  return answer;
}
