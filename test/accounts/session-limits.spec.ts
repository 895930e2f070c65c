import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { SessionLimitsRepository, SessionRepository } from '#sessions';
import { eventually } from '../support/answers.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { claimsOf, World } from '../support/world.js';

const MEMBER = 'member@acme.example';
const ADMIN = 'admin@globex.example';
const CONSULTANT = 'consultant@partners.example';
const BY = { id: 'test', address: '192.0.2.7', factor: 'pwd' };
const MINUTE = 60_000;

describe('how long the sessions of an organization last', () => {
  let world: World;
  let strict: World;
  let database: Client;

  beforeAll(async () => {
    world = await World.start();
    strict = await World.start({ beside: world, env: { CORE_AUTH_SESSION_IDLE: '300' } });
    database = new Client({ connectionString: world.database.url });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await strict.stop();
    await world.stop();
  });

  const limit = (idleSeconds: number | null, absoluteSeconds: number | null) =>
    world.app.get(SessionLimitsRepository).set(world.id('acme'), { idleSeconds, absoluteSeconds }, BY);
  const live = async (browser: HttpBrowser) => (await browser.get('/account')).status === 200;

  it('is cut short without use, by the rule of the organization that they act for and no other', async () => {
    const [member, admin] = [await world.signIn(MEMBER), await world.signIn(ADMIN)];
    const consultant = await world.signIn(CONSULTANT);
    await choose(consultant, 'globex');
    expect(await limit(600, null)).toBe(true);
    world.clock.advance(9 * MINUTE);
    expect(await live(member)).toBe(true);
    world.clock.advance(9 * MINUTE);
    expect(await live(member)).toBe(true);
    world.clock.advance(11 * MINUTE);
    expect(await live(member)).toBe(false);
    expect(await live(admin)).toBe(true);
    expect(await live(consultant)).toBe(true);
    // from now on it is acme's rule that counts
    await choose(consultant, 'acme');
    world.clock.advance(11 * MINUTE);
    expect(await live(consultant)).toBe(false);
    await limit(null, null);
    expect(await live(consultant)).toBe(true);
  });

  it('is cut short in any case: whoever was signed in by it hears of it, and its tokens are renewed no more', async () => {
    await limit(null, 1800);
    const { client, browser, tokens } = await world.signedInClient(MEMBER);
    const other = await world.signedInClient(ADMIN);
    for (let minutes = 0; minutes < 29; minutes += 5) {
      world.clock.advance(5 * MINUTE - 1000);
      expect(await live(browser)).toBe(true);
    }
    world.clock.advance(MINUTE);
    expect(await live(browser)).toBe(false);
    expect((await world.refresh(client, tokens.refresh_token)).status).toBe(400);
    expect((await world.introspect(client, tokens.access_token)).body).toEqual({ active: false });
    expect((await world.refresh(client, other.tokens.refresh_token)).status).toBe(200);
    await eventually(
      async () => ((await endings(MEMBER)).length > 0 ? true : undefined),
      'the end of the session',
    );
    expect(await live(other.browser)).toBe(true);
    await limit(null, null);
  });

  it('ends what was given for the organization when the session has moved on to another one, and tells of it', async () => {
    await limit(null, 1800);
    const client = world.client('projects');
    const browser = await world.signIn(CONSULTANT);
    await choose(browser, 'acme');
    const { body: tokens } = await world.exchange(client, await world.code(client, browser));
    const accessToken = String(tokens['access_token']);
    await choose(browser, 'globex');
    world.clock.advance(31 * MINUTE);
    expect(await live(browser)).toBe(true);
    const { authorization_id: id } = claimsOf(accessToken);
    await eventually(async () => {
      const { rows } = await database.query(
        `SELECT FROM outbox WHERE kind = 'authorization-revoked' AND subject = $1`,
        [id],
      );
      return rows.length > 0 ? true : undefined;
    }, 'the end of the authorization');
    expect((await world.introspect(client, accessToken)).body).toEqual({ active: false });
    await limit(null, null);
  });

  it('of several nodes one ends each session, and tells of it once', async () => {
    await database.query('DELETE FROM outbox');
    await limit(null, 300);
    for (let count = 0; count < 20; count += 1) await world.signIn(MEMBER);
    world.clock.advance(6 * MINUTE);
    const nodes = [world, strict].map(({ app }) => app.get(SessionRepository));
    await Promise.all(nodes.flatMap((node) => Array.from({ length: 6 }, () => node.expire(5))));
    await eventually(
      async () => ((await endings(MEMBER)).length >= 20 ? true : undefined),
      'the end of every session',
    );
    const told = await endings(MEMBER);
    expect(new Set(told).size).toBe(told.length);
    await limit(null, null);
  });

  it('is never longer than the deployment lets it be', async () => {
    for (const limits of [
      { idleSeconds: 3601, absoluteSeconds: null },
      { idleSeconds: null, absoluteSeconds: 86_401 },
      { idleSeconds: 299, absoluteSeconds: null },
      { idleSeconds: null, absoluteSeconds: -1 },
      { idleSeconds: 600.5, absoluteSeconds: null },
    ]) {
      await expect(
        world.app.get(SessionLimitsRepository).set(world.id('acme'), limits, BY),
      ).rejects.toMatchObject({ status: 400, code: 'invalid_session_limits' });
    }
    expect(await world.app.get(SessionLimitsRepository).of(world.id('acme'))).toEqual({
      idleSeconds: null,
      absoluteSeconds: null,
    });
    // a setting that was made stricter later holds too
    await limit(3600, null);
    const browser = (await world.signIn(MEMBER)).at(strict.url);
    world.clock.advance(4 * MINUTE);
    expect(await live(browser)).toBe(true);
    world.clock.advance(6 * MINUTE);
    expect(await live(browser)).toBe(false);
    expect(await live(browser.at(world.url))).toBe(true);
    await limit(null, null);
  });

  it('is on record with who set it, and told, when it changes', async () => {
    await database.query('DELETE FROM outbox');
    expect(await limit(900, 7200)).toBe(true);
    expect(await limit(900, 7200)).toBe(false);
    const rows = await database.query(
      `SELECT actor, target, organization_id::text AS organization, address, factor, detail FROM audit_events
        WHERE act = 'organization.limit-sessions' ORDER BY id DESC LIMIT 1`,
    );
    expect(rows.rows).toEqual([
      {
        actor: 'test',
        target: world.id('acme'),
        organization: world.id('acme'),
        address: '192.0.2.7',
        factor: 'pwd',
        detail: { idle_seconds: 900, absolute_seconds: 7200 },
      },
    ]);
    const told = await database.query(
      "SELECT 1 FROM outbox WHERE kind = 'organization-changed' AND subject = $1",
      [world.id('acme')],
    );
    expect(told.rowCount).toBe(1);
    await limit(null, null);
    const unknown = { idleSeconds: 600, absoluteSeconds: null };
    expect(await world.app.get(SessionLimitsRepository).set(randomUUID(), unknown, BY)).toBe(false);
    expect(await world.app.get(SessionLimitsRepository).of(randomUUID())).toBeUndefined();
  });

  async function choose(browser: HttpBrowser, organization: string): Promise<void> {
    const fields = { organization_id: world.id(organization) };
    const answer = await browser.submit('/choose-organization', '/choose-organization', fields);
    expect(answer.status).toBe(303);
  }

  /** The sessions of a person of whose end was told. */
  async function endings(email: string): Promise<string[]> {
    const { rows } = await database.query<{ subject: string }>(
      `SELECT subject FROM outbox WHERE kind = 'session-ended'
          AND subject IN (SELECT id::text FROM sessions WHERE user_id = $1)`,
      [world.id(email)],
    );
    return rows.map(({ subject }) => subject);
  }
});
