import { AdministratorRepository } from '#accounts';
import { eventually } from '../../support/answers.js';
import type { HttpBrowser } from '../../support/http-browser.js';
import { answerOf, World, type Answer, type TestClient, type WorldOptions } from '../../support/world.js';

const SCOPES = ['openid', 'licensing:read', 'licensing:write'];

export interface Call {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server whose licenses people and machines administer over HTTP. */
export class AdministrationWorld {
  private readonly tokens = new Map<string, string>();

  private constructor(
    readonly world: World,
    readonly console: TestClient,
  ) {}

  static async start(options: WorldOptions = {}): Promise<AdministrationWorld> {
    const world = await World.start(options);
    await world.createPerson('operator@seller.example', 'Otto Operator', { globex: 'member' });
    await world.createPerson('admin@acme.example', 'Anna Admin', { acme: 'administrator' });
    await world.createPerson('billing@acme.example', 'Ben Billing', { acme: 'billing' });
    const operator = world.id('operator@seller.example');
    await world.app.get(AdministratorRepository).setOperator(operator, true, 'test');
    const console = await world.createClient({ id: 'console', scopes: SCOPES });
    return new AdministrationWorld(world, console);
  }

  stop(): Promise<void> {
    return this.world.stop();
  }

  /** An access token of this person for the administration, of their only organization. */
  async tokenOf(email: string, scope = SCOPES.join(' ')): Promise<string> {
    const key = `${email} ${scope}`;
    const known = this.tokens.get(key);
    if (known !== undefined) return known;
    const token = await this.tokenIn(await this.world.signIn(email), scope);
    this.tokens.set(key, token);
    return token;
  }

  /** An access token of whoever is signed in in this browser. */
  async tokenIn(browser: HttpBrowser, scope = SCOPES.join(' ')): Promise<string> {
    const code = await this.world.code(this.console, browser, { scope });
    const { status, body } = await this.world.exchange(this.console, code);
    if (status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`);
    return String(body['access_token']);
  }

  /** A machine's token. */
  async machineToken(client: TestClient, scope = 'licensing:read licensing:write'): Promise<string> {
    const { status, body } = await this.world.token(client, { grant_type: 'client_credentials', scope });
    if (status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`);
    return String(body['access_token']);
  }

  get operator(): Promise<string> {
    return this.tokenOf('operator@seller.example');
  }

  get owner(): Promise<string> {
    return this.tokenOf('owner@acme.example');
  }

  async call(method: string, path: string, { token, body, headers = {} }: Call = {}): Promise<Answer> {
    const response = await fetch(new URL(path, this.world.url), {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answerOf(response);
  }

  /** As an operator. */
  async operate(method: string, path: string, call: Omit<Call, 'token'> = {}): Promise<Answer> {
    return this.call(method, path, { ...call, token: await this.operator });
  }

  /** A license of acme that was issued over HTTP. */
  async issue(changes: Readonly<Record<string, unknown>> = {}, key = crypto.randomUUID()): Promise<Answer> {
    return this.operate('POST', '/v1/licenses', {
      body: this.newLicense(changes),
      headers: { 'idempotency-key': key },
    });
  }

  newLicense(changes: Readonly<Record<string, unknown>> = {}) {
    return {
      organization_id: this.world.id('acme'),
      module: 'reports',
      plan_version_id: this.world.id('plan:reports'),
      starts_at: '2026-01-01T00:00:00Z',
      ends_at: '2036-01-01T00:00:00+01:00',
      seat_model: 'named',
      seat_limit: 3,
      ...changes,
    };
  }

  /** The id of a license that was issued over HTTP. */
  async issued(changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { status, body } = await this.issue(changes);
    if (status !== 201) throw new Error(`not issued: ${JSON.stringify(body)}`);
    return String(body['id']);
  }

  /** A license of acme, issued with an end that has passed by now. */
  async issuedBeforeItsEnd(changes: Readonly<Record<string, unknown>> = {}) {
    for (let milliseconds = 1000; ; milliseconds *= 2) {
      const ends_at = new Date(Date.now() + milliseconds).toISOString();
      const key = crypto.randomUUID();
      const answer = await this.issue({ ...changes, ends_at }, key);
      // a busy machine may have let the end pass before
      if (answer.status !== 201 && milliseconds < 10_000) continue;
      await eventually(() => Date.now() > Date.parse(ends_at) || undefined, 'the end of the license');
      return { ends_at, key, answer };
    }
  }
}
