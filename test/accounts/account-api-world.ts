import type { Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Database, sql } from '#platform';
import { accountRoutes, type DescribedAccountRoute } from '../../apps/server/account/account-routes.js';
import { setUpApp, present, withPassword, type App } from '../support/factors.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { answerOf, World, type Answer, type TestClient, type WorldOptions } from '../support/world.js';

const SCOPES = ['openid', 'offline_access', 'account:read', 'account:write', 'account:security'];

/** All that a token can do with an account. */
export const EVERYTHING = 'openid account:read account:write account:security';

/** Somebody, the browser in which they signed in, and what an application got for them there. */
export interface Caller {
  readonly email: string;
  readonly id: string;
  readonly browser: HttpBrowser;
  readonly token: string;
  readonly refresh: string;
}

/** A world with an application that people let at their accounts. */
export class AccountApiWorld {
  private people = 0;

  private constructor(
    readonly world: World,
    readonly assistant: TestClient,
  ) {}

  static async start(options: WorldOptions = {}): Promise<AccountApiWorld> {
    const world = await World.start(options);
    const assistant = await world.createClient({ id: 'assistant', name: 'Assistant', scopes: SCOPES });
    return new AccountApiWorld(world, assistant);
  }

  stop(): Promise<void> {
    return this.world.stop();
  }

  /** What the server serves, whichever of its modules. */
  routes(): DescribedAccountRoute[] {
    const modules = [...this.world.app.get(ModulesContainer).values()];
    const controllers = modules.flatMap((module) =>
      [...module.controllers.values()].map(({ metatype }) => metatype as Type<object>),
    );
    return accountRoutes(controllers);
  }

  /** A new person of acme, who has just signed in. */
  async person(scope = EVERYTHING): Promise<Caller> {
    const email = `caller-${(this.people += 1)}@self.example`;
    const id = await this.world.createPerson(email, 'Mira Delgado', { acme: 'member' });
    const browser = await this.world.signIn(email);
    return { email, id, browser, ...(await this.tokens(browser, scope)) };
  }

  /** The same with an authenticator app, who has proven both factors. */
  async protectedPerson(scope = EVERYTHING): Promise<Caller & { app: App }> {
    const { email, id, browser } = await this.person();
    const { app } = await setUpApp(this.world, browser);
    return { email, id, browser, app, ...(await this.tokens(browser, scope)) };
  }

  /** What the application gets in a browser of somebody who is signed in. */
  async tokens(browser: HttpBrowser, scope = EVERYTHING): Promise<{ token: string; refresh: string }> {
    const code = await this.world.code(this.assistant, browser, { scope });
    const { status, body } = await this.world.exchange(this.assistant, code);
    if (status !== 200) throw new Error(`exchange answered ${JSON.stringify(body)}`);
    return { token: String(body['access_token']), refresh: String(body['refresh_token']) };
  }

  /** The token of the application itself. */
  async machineToken(): Promise<string> {
    const scope = EVERYTHING.replace('openid ', '');
    const { body } = await this.world.token(this.assistant, { grant_type: 'client_credentials', scope });
    return String(body['access_token']);
  }

  /** Signs in again in the same browser, with the code of the app too. */
  async signInAgain(email: string, browser: HttpBrowser, app?: App): Promise<void> {
    if (!app) await this.world.signIn(email, browser);
    else {
      await withPassword(this.world, email, browser);
      await present(browser, { method: 'totp', code: app.freshCode() });
    }
  }

  /** Everything of a person that a route of their account could change. */
  stateOf(userId: string): Promise<unknown[]> {
    return this.world.app.get(Database).query(sql`
      SELECT to_jsonb(u) AS person,
             (SELECT jsonb_agg(to_jsonb(p) ORDER BY id) FROM passkeys p WHERE p.user_id = u.id) AS passkeys,
             (SELECT to_jsonb(t) FROM totp_factors t WHERE t.user_id = u.id) AS app,
             (SELECT jsonb_agg(to_jsonb(r) ORDER BY code_sha256) FROM recovery_codes r WHERE r.user_id = u.id) AS codes,
             (SELECT jsonb_agg(jsonb_build_array(id, ended_at) ORDER BY id)
                FROM sessions s WHERE s.user_id = u.id) AS sessions,
             (SELECT jsonb_agg(jsonb_build_array(id, state) ORDER BY id)
                FROM authorizations a WHERE a.user_id = u.id) AS access,
             (SELECT count(*)::int FROM one_time_tokens t WHERE t.user_id = u.id) AS links
        FROM users u WHERE u.id = ${userId}`);
  }

  /** @param node that answers */
  async call(
    method: string,
    path: string,
    token?: string,
    body?: unknown,
    { url } = this.world,
  ): Promise<Answer> {
    const response = await fetch(new URL(`/v1/account${path}`, url), {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answerOf(response);
  }
}
