import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { EventStream } from '#events';
import { CatalogRepository, LicenseSnapshots, SeatLeaseRepository } from '#licensing';
import { eventually } from '../support/answers.js';
import { isBackground } from '../support/statement-log.js';
import { answerOf, basic, World, type Answer, type TestClient } from '../support/world.js';

const PATH = '/v1/licenses/check';
const HOUR = 3_600_000;

describe('POST /v1/licenses/check', () => {
  let world: World;
  let beside: World;
  let database: Client;

  beforeAll(async () => {
    world = await World.start({ logStatements: true, env: { CORE_AUTH_DATABASE_STATEMENT_TIMEOUT: '2000' } });
    beside = await World.start({ beside: world });
    database = await connection();
    const catalog = world.app.get(CatalogRepository);
    await catalog.createFeature(
      { moduleKey: 'reports', key: 'charts', type: 'limit', combine: 'sum' },
      'test',
    );
    const plan = await catalog.createPlanVersion(
      { planKey: 'charts', name: 'Charts', moduleKey: 'reports', features: { export: true, charts: 5 } },
      'test',
    );
    world.ids['plan:charts'] = plan.id;
  });
  afterAll(async () => {
    await database.end();
    await beside.stop();
    await world.stop();
  });

  const connection = async () => {
    const client = new Client({ connectionString: world.database.url });
    await client.connect();
    return client;
  };
  const reports = () => world.client('reports');
  const ask = async (
    body: unknown,
    { client = reports(), at = world }: { client?: TestClient; at?: World } = {},
  ): Promise<Answer> =>
    answerOf(
      await fetch(at.url + PATH, {
        method: 'POST',
        headers: { authorization: basic(client), 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );
  const about = (organization: string, more: object = {}) => ({
    organization_id: world.id(organization),
    ...more,
  });
  /** RFC 9457 §3 */
  const expectProblem = ({ status, headers, body }: Answer, wanted: number, code: string) => {
    expect([status, headers.get('content-type')]).toEqual([
      wanted,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
    expect(body).toEqual({
      ...{ type: 'about:blank', title: expect.any(String), status, code },
      detail: expect.stringMatching(/\.$/),
    });
  };
  let count = 0;
  /** An organization with one license for reports. */
  const licensed = async (options: Parameters<World['license']>[2] = {}) => {
    count += 1;
    const key = `check-${count}`;
    await world.createOrganization(key, key);
    for (const email of ['member@acme.example', 'consultant@partners.example']) {
      const member = { userId: world.id(email), organizationId: world.id(key), role: 'member' } as const;
      await world.accounts.addMember(member, 'test');
    }
    const id = await world.license(key, 'reports', { planVersionId: world.id('plan:charts'), ...options });
    return { key, id };
  };
  /** Statements of the requests since the last look, without the background's. */
  const spent = () =>
    world.database.statements
      .take()
      .filter((statement) => !isBackground(statement) && ['read', 'write'].includes(statement.kind))
      .map(({ kind, text }) => ({ kind, text }));

  it('answers a question that is allowed by 200 with code, license, version and how long it holds', async () => {
    const endsAt = new Date(world.clock.now().getTime() + HOUR);
    const { key, id } = await licensed({ endsAt });
    const { status, headers, body } = await ask(
      about(key, { user_id: world.id('member@acme.example'), feature: 'charts', amount: 2, current: 3 }),
    );
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      'application/json; charset=utf-8',
      'no-store',
    ]);
    expect(body).toEqual({
      allow: true,
      code: 'OK',
      license_id: id,
      version: 2,
      decided_at: world.clock.now().toISOString(),
      next_transition_at: endsAt.toISOString(),
      limit: 5,
    });
  });

  it('RFC 9457: answers a question that is refused by the status of its code, as problem details', async () => {
    const { key, id } = await licensed();
    const { status, headers, body } = await ask(about(key, { feature: 'charts', amount: 6 }));
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      403,
      'application/problem+json; charset=utf-8',
      'no-store',
    ]);
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'The plan does not allow as many.',
      allow: false,
      code: 'LIMIT_EXCEEDED',
      license_id: id,
      version: 2,
      decided_at: world.clock.now().toISOString(),
      next_transition_at: null,
      limit: 5,
    });
  });

  it('what was bought and is used up is 429 QUOTA_EXCEEDED', async () => {
    const catalog = world.app.get(CatalogRepository);
    await catalog.createFeature(
      { moduleKey: 'reports', key: 'rendered', type: 'metered', combine: 'sum' },
      'test',
    );
    const { key } = await licensed();
    await database.query(
      `UPDATE plan_versions SET features = features || '{"rendered": 100}' WHERE id = $1`,
      [world.id('plan:charts')],
    );
    world.app.get(LicenseSnapshots).invalidateAll();
    expect((await ask(about(key, { feature: 'rendered', current: 99 }))).status).toBe(200);
    const { status, headers, body } = await ask(about(key, { feature: 'rendered', current: 100 }));
    expect([status, body['code'], body['limit']]).toEqual([429, 'QUOTA_EXCEEDED', 100]);
    expect(headers.get('content-type')).toContain('application/problem+json');
  });

  it('answers a list by 200 in its order, each for itself, those that are refused too', async () => {
    const one = await licensed();
    const other = await licensed();
    await world.licenses.changeStatus(other.id, 'suspended', 'test');
    const { status, headers, body } = await ask({
      questions: [
        about(other.key),
        about(one.key),
        about(one.key, { feature: 'nothing' }),
        about(one.key, { environment: 'staging' }),
        { organization_id: null },
        about(other.key, { user_id: null }),
      ],
    });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    const answers = body['answers'] as { code: string; license_id: string | null }[];
    expect(answers.map(({ code, license_id: id }) => [code, id])).toEqual([
      ['SUSPENDED', other.id],
      ['OK', one.id],
      ['FEATURE_NOT_INCLUDED', one.id],
      ['ENV_MISMATCH', null],
      ['ORG_CONTEXT_REQUIRED', null],
      ['SUSPENDED', other.id],
    ]);
  });

  it('an organization that does not exist, or none, is ORG_CONTEXT_REQUIRED: it is never guessed', async () => {
    for (const organization of [randomUUID(), null]) {
      const { status, body } = await ask({ organization_id: organization });
      expect([status, body['code'], body['version']]).toEqual([403, 'ORG_CONTEXT_REQUIRED', null]);
    }
  });

  it('a person is asked for by seat: who holds none is refused, and who holds one or a lease is let in', async () => {
    const named = await licensed({ seatModel: 'named', seatLimit: 1 });
    const person = world.id('member@acme.example');
    const seatless = world.id('consultant@partners.example');
    await world.assignSeat(named.id, 'member@acme.example');
    const codeOf = async (key: string, userId: string | null) =>
      (await ask(about(key, { user_id: userId }))).body['code'];
    expect(await codeOf(named.key, person)).toBe('OK');
    expect(await codeOf(named.key, person.toUpperCase())).toBe('OK');
    expect(await codeOf(named.key, seatless)).toBe('SEAT_REQUIRED');
    expect(await codeOf(named.key, null)).toBe('OK');

    const floating = await licensed();
    await database.query(
      "UPDATE license_terms SET seat_model = 'floating', seat_limit = 1 WHERE license_id = $1",
      [floating.id],
    );
    world.app.get(LicenseSnapshots).invalidate(world.id(floating.key));
    expect(await codeOf(floating.key, person)).toBe('SEAT_REQUIRED');
    const until = new Date(world.clock.now().getTime() + 60_000);
    await database.query(
      "INSERT INTO seat_leases (license_id, user_id, device, fence, leased_at, expires_at) VALUES ($1, $2, 'd', 1, now(), $3)",
      [floating.id, person, until],
    );
    const held = await ask(about(floating.key, { user_id: person }));
    expect(held.body).toMatchObject({ code: 'OK', next_transition_at: until.toISOString() });
    const both = await ask({
      questions: [seatless, person, null].map((userId) => about(floating.key, { user_id: userId })),
    });
    expect((both.body['answers'] as { code: string }[]).map(({ code }) => code)).toEqual([
      'SEAT_REQUIRED',
      'OK',
      'OK',
    ]);
    await database.query('UPDATE seat_leases SET expires_at = $2 WHERE license_id = $1', [
      floating.id,
      world.clock.now(),
    ]);
    expect(await codeOf(floating.key, person)).toBe('LEASE_EXPIRED');
  });

  it('of several floating licenses each opens to who holds a seat of it, and says for itself that it ran out', async () => {
    const { key, id: plain } = await licensed();
    const charts = await world.license(key, 'reports', { planVersionId: world.id('plan:charts') });
    const floating = async (...licenses: string[]) => {
      await database.query(
        "UPDATE license_terms SET seat_model = 'floating', seat_limit = 1 WHERE license_id = ANY ($1)",
        [licenses],
      );
      world.app.get(LicenseSnapshots).invalidate(world.id(key));
    };
    await floating(plain, charts);
    const person = world.id('member@acme.example');
    const leases = world.app.get(SeatLeaseRepository);
    const take = (licenseId: string, userId = person) =>
      leases.acquireLease({ licenseId, userId, device: 'desk' }, userId);
    const asked = async (amount: number) => {
      const question = about(key, { user_id: person, feature: 'charts', amount });
      const { body } = await ask(question);
      return [body['code'], body['license_id'], body['limit']];
    };
    expect((await asked(1))[0]).toBe('SEAT_REQUIRED');
    await take(plain);
    expect(await asked(6)).toEqual(['LIMIT_EXCEEDED', plain, 5]);
    await take(charts);
    expect(await asked(6)).toEqual(['OK', expect.any(String), 10]);
    await database.query(
      "UPDATE seat_leases SET expires_at = now() - interval '1 hour' WHERE license_id = $1",
      [plain],
    );
    expect(await asked(6)).toEqual(['LIMIT_EXCEEDED', charts, 5]);
    // their seats go to another, and they still hear that they had one
    await database.query("UPDATE seat_leases SET expires_at = now() - interval '1 hour' WHERE user_id = $1", [
      person,
    ]);
    const next = world.id('consultant@partners.example');
    await Promise.all([take(plain, next), take(charts, next)]);
    expect((await asked(1))[0]).toBe('LEASE_EXPIRED');
  });

  it('who does not belong to the organization, or is disabled, is let in by no license, whatever they hold', async () => {
    const named = await licensed({ seatModel: 'named', seatLimit: 1 });
    const open = await licensed();
    const [guest, gone] = [`guest-${count}@acme.example`, `gone-${count}@acme.example`];
    for (const email of [guest, gone])
      await world.createPerson(email, 'A person', { [named.key]: 'member', [open.key]: 'member' });
    await world.assignSeat(named.id, guest);
    const codes = async (email: string) => {
      const questions = [named, open].map(({ key }) => about(key, { user_id: world.id(email) }));
      const { body } = await ask({ questions });
      return (body['answers'] as { code: string; version: unknown }[]).map(({ code }) => code);
    };
    expect(await codes(guest)).toEqual(['OK', 'OK']);
    // nothing is told: this is what is so before anybody has heard of it
    await database.query('DELETE FROM memberships WHERE user_id = $1', [world.id(guest)]);
    expect(await codes(guest)).toEqual(['ORG_CONTEXT_REQUIRED', 'ORG_CONTEXT_REQUIRED']);
    expect(await codes(gone)).toEqual(['SEAT_REQUIRED', 'OK']);
    await world.accounts.disableUser(world.id(gone), 'test');
    expect(await codes(gone)).toEqual(['ORG_CONTEXT_REQUIRED', 'ORG_CONTEXT_REQUIRED']);
    expect(await codes('admin@globex.example')).toEqual(['ORG_CONTEXT_REQUIRED', 'ORG_CONTEXT_REQUIRED']);
  });

  it('a change holds for the next question at every node, whatever they have heard of', async () => {
    const { key, id } = await licensed();
    for (let round = 0; round < 10; round += 1) {
      for (const [from, to, code] of [
        [world, 'suspended', 'SUSPENDED'],
        [beside, 'issued', 'OK'],
      ] as const) {
        const { version } = await from.licenses.changeStatus(id, to, 'test');
        for (const at of [world, beside]) {
          expect((await ask(about(key), { at })).body).toMatchObject({ code, version });
        }
      }
    }
  });

  it('spends one statement on a list, however many organizations it is about, once their snapshots are in memory', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, async () => (await licensed()).key));
    const person = world.id('member@acme.example');
    // their making is heard of first
    await world.heard();
    const questions = Array.from({ length: 100 }, (_, index) =>
      about(keys[index % keys.length] ?? '', { user_id: person, feature: 'charts', amount: index % 7 }),
    );
    spent();
    const cold = await ask({ questions });
    expect(cold.body['answers']).toHaveLength(100);
    const first = spent();
    // the versions of all, and for each organization its snapshot once
    expect({ count: first.length, first }).toEqual({ count: 1 + keys.length, first });
    await ask({ questions });
    const second = spent();
    expect({ count: second.length, second }).toEqual({ count: 1, second });
    expect((await ask(questions[0])).status).toBe(200);
    expect(spent().map(({ kind }) => kind)).toEqual(['read']);
    await ask({ organization_id: null });
    expect(spent()).toEqual([]);
  });

  it('a node that hears nothing of the catalog asks for everything anew', async () => {
    const deaf = await World.start({ beside: world });
    try {
      const { key } = await licensed();
      const feature = `new-${count}`;
      const codeOf = async () => (await ask(about(key, { feature }), { at: deaf })).body['code'];
      await deaf.heard();
      expect(await codeOf()).toBe('FEATURE_NOT_INCLUDED');
      const stream = deaf.app.get(EventStream);
      await stream.beforeApplicationShutdown();
      await eventually(() => (stream.isCurrent() ? undefined : true), 'the silence');
      await world.app
        .get(CatalogRepository)
        .createFeature({ moduleKey: 'reports', key: feature, type: 'boolean', combine: 'max' }, 'test');
      await database.query(
        'UPDATE plan_versions SET features = features || jsonb_build_object($2::text, true) WHERE id = $1',
        [world.id('plan:charts'), feature],
      );
      expect(await codeOf()).toBe('OK');
    } finally {
      await deaf.stop();
    }
  });

  it('without an answer of the database it is CHECK_UNAVAILABLE: 503 alone, in a list for those it concerns', async () => {
    const { key: warm } = await licensed();
    await world.heard();
    expect((await ask(about(warm))).status).toBe(200);
    const { key: cold } = await licensed();
    await world.heard();
    const locker = await connection();
    try {
      await locker.query('BEGIN; LOCK TABLE license_overrides IN ACCESS EXCLUSIVE MODE');
      const { status, body } = await ask({ questions: [about(cold), about(warm)] });
      const codes = (body['answers'] as { code: string }[]).map(({ code }) => code);
      expect([status, codes]).toEqual([200, ['CHECK_UNAVAILABLE', 'OK']]);
      await locker.query('ROLLBACK; BEGIN; LOCK TABLE seat_leases IN ACCESS EXCLUSIVE MODE');
      const list = await ask({ questions: [about(warm), { organization_id: null }] });
      expect((list.body['answers'] as { code: string }[]).map(({ code }) => code)).toEqual([
        'CHECK_UNAVAILABLE',
        'ORG_CONTEXT_REQUIRED',
      ]);
      const alone = await ask(about(warm));
      expect([alone.status, alone.headers.get('retry-after'), alone.body]).toEqual([
        503,
        '5',
        {
          type: 'about:blank',
          title: 'Service Unavailable',
          status: 503,
          detail: 'Nobody can tell at the moment; try again soon.',
          allow: false,
          code: 'CHECK_UNAVAILABLE',
          license_id: null,
          version: null,
          decided_at: world.clock.now().toISOString(),
          next_transition_at: null,
        },
      ]);
    } finally {
      await locker.end();
    }
    expect((await ask(about(cold))).status).toBe(200);
  });

  it('is for confidential clients of modules, each about its own module alone', async () => {
    expect((await fetch(world.url + PATH, { method: 'POST' })).status).toBe(401);
    const wrong = await ask(about('acme'), { client: { ...reports(), secret: 'wrong' } });
    expectProblem(wrong, 401, 'invalid_client');
    const stranger = await world.createClient({ id: 'stranger' });
    const refused = await ask(about('acme'), { client: stranger });
    expectProblem(refused, 403, 'access_denied');
    for (const body of [
      about('acme', { module: 'projects' }),
      { questions: [about('acme'), about('acme', { module: 'projects' })] },
      about('acme', { module: 'unknown' }),
    ]) {
      const foreign = await ask(body);
      expectProblem(foreign, 403, 'access_denied');
    }
    const projects = await ask(about('acme', { module: 'projects' }), { client: world.client('projects') });
    expect(projects.body['code']).toBe('OK');
  });

  it('RFC 9457: bad input is 400 with the place, as problem details, and asks the database nothing', async () => {
    const send = async (body: string, type = 'application/json') =>
      answerOf(
        await fetch(world.url + PATH, {
          method: 'POST',
          headers: { authorization: basic(reports()), 'content-type': type },
          body,
        }),
      );
    const id = world.id('acme');
    await ask(about('acme'));
    spent();
    for (const [body, sentence] of [
      [`{"questions":[]}`, 'questions must be'],
      [JSON.stringify({ questions: Array.from({ length: 101 }, () => about('acme')) }), 'questions must be'],
      [`{"organization_id":"${id}","amount":9007199254740993}`, 'amount must be'],
      [`{"organization_id":"${id}","amount":NaN}`, 'malformed'],
      [`{"organization_id":"${id}","current":-1}`, 'current must be'],
      [`{"organization_id":"${id}","current":1e999}`, 'current must be'],
      [
        `{"questions":[${`{"organization_id":"${id}"},`.repeat(3)}{"organization_id":"${id}","amount":"1"}]}`,
        'questions[3].amount must be',
      ],
      [`{"organization_id":"acme"}`, 'organization_id must be'],
      [`{"user_id":null}`, 'organization_id is missing'],
      [`{"organization_id":"${id}","__proto__":{"x":1}}`, 'malformed'],
      [`[]`, 'The body must be'],
      [`null`, 'The body must be'],
      [`{`, 'malformed'],
      [``, 'malformed'],
    ] as const) {
      const answer = await send(body);
      expect([body, answer.body['detail']]).toEqual([body, expect.stringContaining(sentence)]);
      expectProblem(answer, 400, 'invalid_request');
    }
    const form = await send(`organization_id=${id}`, 'application/x-www-form-urlencoded');
    expectProblem(form, 400, 'invalid_request');
    expect(form.body['detail']).toBe('The question must be sent as application/json.');
    expect(spent()).toEqual([]);
  });

  it('counts against the limit of the endpoints that authenticate clients', async () => {
    const limited = await World.start({ beside: world, env: { CORE_AUTH_RATE_LIMIT_TOKEN: '3' } });
    try {
      const statuses: number[] = [];
      for (let call = 0; call < 4; call += 1)
        statuses.push((await ask(about('acme'), { at: limited })).status);
      expect(statuses).toEqual([200, 200, 200, 429]);
      expectProblem(await ask(about('acme'), { at: limited }), 429, 'too_many_requests');
    } finally {
      await limited.stop();
    }
  });
});
