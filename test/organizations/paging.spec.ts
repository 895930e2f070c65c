import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { ExportRepository } from '#accounts';
import { LicenseOverviewRepository, type LicenseOverview } from '#licensing';
import { cursorOf, Database, sql } from '#platform';
import { statementsWait } from '../support/waiting-statements.js';
import { ApiWorld } from './api-world.js';
import { by } from './organization-world.js';

jest.setTimeout(60_000);

const OWNER = 'owner@acme.example';

describe('pages of a list whose rows come and go', () => {
  let api: ApiWorld;
  let database: Database;

  beforeAll(async () => {
    api = await ApiWorld.start();
    database = api.world.app.get(Database);
  });
  afterAll(() => api.stop());

  const read = async (path: string) => api.call('GET', path, await api.tokenOf(OWNER));
  const namesIn = ({ body }: { body: Record<string, unknown> }) =>
    (body['people'] as { name: string }[]).map(({ name }) => name);

  it('the people go on where they were when the last one of a page has left or changed the name', async () => {
    for (const name of ['Paged A', 'Paged B', 'Paged C', 'Paged D']) {
      await api.world.createPerson(`${name.replace(' ', '-')}@acme.example`, name, { acme: 'member' });
    }
    const first = await read('/people?search=Paged&limit=2');
    expect(namesIn(first)).toEqual(['Paged A', 'Paged B']);
    const second = `/people?search=Paged&limit=2&cursor=${String(first.body['next_cursor'])}`;
    await database.query(sql`
      UPDATE users SET name = 'Paged Z' WHERE id = ${api.world.id('Paged-B@acme.example')}`);
    expect(namesIn(await read(second))).toEqual(['Paged C', 'Paged D']);
    await database.query(sql`DELETE FROM users WHERE id = ${api.world.id('Paged-B@acme.example')}`);
    const last = await read(second);
    expect([namesIn(last), last.body['next_cursor']]).toEqual([['Paged C', 'Paged D'], null]);
    const browser = await api.world.signIn(OWNER);
    const page = await browser.get(`/organization/people?after=${String(first.body['next_cursor'])}`);
    expect([page.status, (await page.text()).includes('Paged C')]).toEqual([200, true]);
  });

  it('a cursor tells nothing of a person of another organization', async () => {
    const stranger = api.world.id('admin@globex.example');
    for (const id of [stranger, randomUUID()]) {
      expect((await read(`/people?cursor=${id}`)).status).toBe(400);
      const { body } = await read(`/people?cursor=${cursorOf({ key: 'paged c', id })}`);
      expect(body['people']).not.toEqual([]);
    }
    const [known, unknown] = await Promise.all(
      [stranger, '00000000-0000-4000-8000-000000000000'].map((id) =>
        read(`/people?cursor=${cursorOf({ key: 'p', id })}`),
      ),
    );
    expect(known?.body).toEqual(unknown?.body);
  });

  it('the invitations go on where they were when the last one of a page has vanished', async () => {
    const ids = new Map<string, string>();
    for (const name of ['one', 'two', 'three', 'four']) {
      // within one millisecond, as no clock of ours tells them apart, and half of one as PostgreSQL's does
      const id = randomUUID();
      ids.set(name, id);
      await database.query(sql`
        INSERT INTO invitations (id, organization_id, email, role, invited_by, created_at, expires_at, mails_sent)
        VALUES (${id}, ${api.world.id('acme')}, ${`${name}@paged.example`}, 'member', 'test',
                timestamptz '2031-01-01T00:00:00.123Z' + ${ids.size} * interval '200 microseconds',
                now() + interval '7 days', 1)`);
    }
    const emailsIn = ({ body }: { body: Record<string, unknown> }) =>
      (body['invitations'] as { email: string }[]).map(({ email }) => email.replace('@paged.example', ''));
    const first = await read('/invitations?limit=2');
    expect(emailsIn(first)).toEqual(['four', 'three']);
    const second = `/invitations?limit=2&cursor=${String(first.body['next_cursor'])}`;
    expect(emailsIn(await read(second))).toEqual(['two', 'one']);
    await database.query(sql`DELETE FROM invitations WHERE id = ${ids.get('three')}`);
    expect(emailsIn(await read(second))).toEqual(['two', 'one']);
    const browser = await api.world.signIn(OWNER);
    const page = await browser.get(`/organization/invitations?after=${String(first.body['next_cursor'])}`);
    expect((await page.text()).match(/\w+(?=@paged\.example<)/g)).toEqual(['two', 'one']);
    for (const cursor of [randomUUID(), cursorOf({ key: 'Anna', id: randomUUID() })]) {
      expect((await read(`/invitations?cursor=${cursor}`)).status).toBe(400);
      expect((await browser.get(`/organization/invitations?after=${cursor}`)).status).toBe(400);
    }
  });

  it('the licenses go on where they were when the last one of a page is gone, or its organization is renamed', async () => {
    const overview = api.world.app.get(LicenseOverviewRepository);
    const initech = await api.world.createOrganization('initech', 'Initech');
    for (let count = 0; count < 5; count += 1) await api.world.license('initech', 'projects');
    for (const organizationId of [initech, null]) {
      const filter = { organizationId, search: 'init', limit: 2 };
      const seen: LicenseOverview[] = [];
      let after: string | undefined;
      do {
        const page = await overview.list({ ...filter, ...(after !== undefined && { after }) });
        seen.push(...page.items);
        after = page.next ?? undefined;
        if (organizationId !== null) {
          await database.query(sql`
            UPDATE organizations SET name = ${`Initech ${10 - seen.length}`} WHERE id = ${initech}`);
        }
      } while (after !== undefined);
      expect(new Set(seen.map(({ id }) => id)).size).toBe(5);
      expect(seen).toHaveLength(5);
    }
    const { items, next } = await overview.list({ organizationId: null, search: 'init', limit: 2 });
    const gone = items.at(-1)?.id ?? '';
    await database.query(sql`DELETE FROM licenses WHERE id = ${gone}`);
    const rest = await overview.list({
      ...{ organizationId: null, search: 'init', limit: 10 },
      ...(next !== null && { after: next }),
    });
    expect(rest.items).toHaveLength(3);
    expect(rest.items.map(({ id }) => id)).not.toContain(items[0]?.id);
  });

  it('a license that has not changed comes once, those that are over last, whatever others become between two pages', async () => {
    const { world } = api;
    const overview = world.app.get(LicenseOverviewRepository);
    const inMinutes = (minutes: number) => new Date(world.clock.now().getTime() + minutes * 60_000);
    const names = new Map<string, string>();
    const sold = async (name: string, terms: Parameters<typeof world.license>[2] = {}, status = 'issued') => {
      const id = await world.license(name.slice(0, 'umbra-a'.length), 'projects', terms);
      await database.query(sql`UPDATE licenses SET status = ${status} WHERE id = ${id}`);
      names.set(id, name);
    };
    for (const key of ['umbra-a', 'umbra-b', 'umbra-c', 'umbra-d']) {
      await world.createOrganization(key, key.replace('umbra-', 'Umbra '));
    }
    await sold('umbra-a revoked', {}, 'revoked');
    await sold('umbra-a active');
    await sold('umbra-a expired', { endsAt: inMinutes(-0.5) });
    await sold('umbra-b cancelled', {}, 'cancelled');
    await sold('umbra-b in grace', { endsAt: inMinutes(-0.5), graceDays: 1 });
    await sold('umbra-b suspended', {}, 'suspended');
    await sold('umbra-c draft', { endsAt: inMinutes(-0.5) }, 'draft');
    await sold('umbra-c scheduled', { startsAt: inMinutes(60) });
    await sold('umbra-d ending', { endsAt: inMinutes(5) });

    const seen: string[][] = [];
    for (let after: string | undefined; ; world.clock.advance(6 * 60_000)) {
      const page = await overview.list({
        ...{ organizationId: null, search: 'umbra', limit: 2 },
        ...(after !== undefined && { after }),
      });
      seen.push(page.items.map(({ id }) => names.get(id) ?? ''));
      if (page.next === null) break;
      after = page.next;
      // its license was the last one of the first page
      await database.query(sql`UPDATE organizations SET name = 'A umbra' WHERE id = ${world.id('umbra-b')}`);
    }
    expect(seen[0]).toEqual(['umbra-a active', expect.stringMatching(/^umbra-b (in grace|suspended)$/)]);
    const unchanged = seen.flat().filter((name) => !name.startsWith('umbra-b'));
    expect(unchanged.slice(1, 3).toSorted()).toEqual(['umbra-c draft', 'umbra-c scheduled']);
    expect(unchanged[3]).toBe('umbra-d ending');
    expect(unchanged.slice(4).toSorted()).toEqual(['umbra-a expired', 'umbra-a revoked']);
  });

  it('an export loses nobody when somebody leaves while it is made', async () => {
    const acme = api.world.id('acme');
    await database.query(sql`
      WITH people AS (
        INSERT INTO users (id, email, name, password_hash)
        SELECT gen_random_uuid(), 'many-' || n || '@acme.example', 'Many ' || lpad(n::text, 5, '0'), 'none'
          FROM generate_series(1, 1200) n
        RETURNING id
      )
      INSERT INTO memberships (user_id, organization_id, role) SELECT id, ${acme}, 'member' FROM people`);
    const everybody = (await everybodyOf()).map(({ name }) => name);
    const leaving = everybody[999];
    const lock = new Client({ connectionString: api.world.database.url });
    await lock.connect();
    try {
      await lock.query('BEGIN');
      await lock.query('LOCK TABLE memberships IN ACCESS EXCLUSIVE MODE');
      // below the guard, which would wait for who may
      const exported = api.world.app.get(ExportRepository).organization(acme, by(api.world.id(OWNER)));
      await statementsWait(lock, 1);
      const left = database.query(sql`
        DELETE FROM memberships USING users
         WHERE users.id = user_id AND organization_id = ${acme} AND name = ${leaving}`);
      await statementsWait(lock, 2);
      await lock.query('COMMIT');
      await left;
      const names = (await exported)?.members.map(({ name }) => name) ?? [];
      expect(everybody.filter((name) => name !== leaving && !names.includes(name))).toEqual([]);
    } finally {
      await lock.end();
    }
  });

  async function everybodyOf(): Promise<{ name: string }[]> {
    return database.query<{ name: string }>(sql`
      SELECT name FROM memberships JOIN users ON users.id = user_id
       WHERE organization_id = ${api.world.id('acme')} ORDER BY lower(name), users.id`);
  }
});
