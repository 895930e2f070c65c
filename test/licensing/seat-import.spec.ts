import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Client } from 'pg';
import { MOST_IMPORT_LINES, readImport, SeatImportRepository } from '#licensing';
import { sql } from '#platform';
import { eventually } from '../support/answers.js';
import { LicensingWorld, type Node } from './licensing-world.js';
import { floatingLicense, setTerms } from './seat-helpers.js';

const NOTHING = { version: 0, audit: [], outbox: [] };
const LICENSE = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const TARGET = { organizationKey: 'acme', moduleKey: 'reports' };

const importsOf = ({ database, seats }: Node) => new SeatImportRepository(database, seats);

describe('importing seats', () => {
  let world: LicensingWorld;
  let imports: SeatImportRepository;
  beforeAll(async () => {
    world = await LicensingWorld.create({ nodes: 2, logStatements: true });
    imports = importsOf(world.node);
  });
  afterAll(() => world.close());

  async function people(count: number): Promise<{ id: string; email: string }[]> {
    const ids = await world.members(count);
    return world.node.database.query(
      sql`SELECT id, email FROM users WHERE id = ANY (${ids}::uuid[]) ORDER BY email`,
    );
  }
  const named = (seatLimit: number) => world.license({ seatModel: 'named', seatLimit });
  const revokeAll = () =>
    world.node.database.query(sql`
      UPDATE licenses SET status = 'revoked', starts_at = '2026-01-01' WHERE status <> 'revoked'`);
  const read = (text: string) => readImport(Buffer.from(text));

  describe('the file', () => {
    it('is UTF-8 with the columns email and license, of which the second and its values may be left out', () => {
      expect(
        read(
          `\u{feff}Email, License\r\n A@acme.example ,${LICENSE.toUpperCase()}\r\n\r\n"b@acme.example",\r\nc@x`,
        ),
      ).toEqual([
        { line: 2, email: 'a@acme.example', licenseId: LICENSE },
        { line: 4, email: 'b@acme.example', licenseId: undefined },
        { line: 5, email: 'c@x', licenseId: undefined },
      ]);
      expect(read('email\n')).toEqual([]);
    });

    it.each([
      ['', 'Line 1: the columns'],
      ['a@acme.example\n', 'Line 1: the columns'],
      ['email\na@x,b\n', 'Line 2: there are more fields'],
      ['email,license\na@x\n ,\n', 'Line 3: the e-mail address is missing'],
      ['email,license\na@x,7\n', 'Line 2: a license is named by its id'],
      ['email\na@x\nb"@x\n', 'Line 3: '],
      ['email\n"a@x\n', 'Line 2: a quoted field does not end'],
      ['email\na\0@x\n', 'Line 2: the e-mail address holds a control character'],
      ['email\na@x\nb@x\nA@x \n', 'Line 4 repeats line 2'],
      [`email,license\na@x,${LICENSE}\na@x,\na@x,${LICENSE.toUpperCase()}\n`, 'Line 4 repeats line 2'],
      [`email\n${'a@x\n'.repeat(MOST_IMPORT_LINES + 1)}`, '10000 are the most'],
      [`email\n${'a'.repeat(1024 * 1024)}`, 'larger than 1 MiB'],
    ])('%#: is refused with the number of the line', (text, sentence) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ status: 400, code: 'invalid_import' }));
      expect(() => read(text)).toThrow(
        expect.objectContaining({ publicMessage: expect.stringContaining(sentence) }),
      );
    });

    it('in another encoding is refused', () => {
      expect(() => readImport(Buffer.from('email\n\xe4@x', 'latin1'))).toThrow(
        expect.objectContaining({ code: 'invalid_import' }),
      );
    });

    it('whatever it holds is read or refused as bad input', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
          try {
            readImport(Buffer.concat([Buffer.from('email,license\n'), bytes]));
          } catch (error) {
            expect(error).toMatchObject({ status: 400 });
          }
        }),
      );
    });
  });

  it('a dry run says of each line what the run then does, and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 0, max: 2 }),
        fc.uniqueArray(fc.record({ who: fc.nat(5), where: fc.constantFrom('', 'one', 'two') }), {
          maxLength: 10,
          selector: ({ who, where }) => `${who} ${where}`,
        }),
        fc.subarray([0, 1, 2]),
        async (first, second, wanted, cooling) => {
          await revokeAll();
          const one = await world.license({ seatModel: 'named', seatLimit: first, seatCooldownSeconds: 600 });
          const two = await named(second);
          const all = await people(5);
          for (const index of cooling.slice(0, first)) {
            await world.node.seats.assignSeat(one, all[index]?.id ?? '', 'admin');
          }
          for (const { id } of all) await world.node.seats.releaseSeat(one, id, 'admin');
          const ids: Record<string, string> = { '': '', one, two };
          const lines = read(
            `email,license\n${wanted.map(({ who, where }) => `${all[who]?.email ?? 'stranger@x.example'},${ids[where]}`).join('\n')}`,
          );
          let planned: unknown;
          expect(await world.traced(async () => (planned = await imports.plan(lines, TARGET)))).toEqual(
            NOTHING,
          );
          expect(await imports.run(lines, TARGET, 'admin')).toEqual(planned);
          expect(await world.seated(one)).toBeLessThanOrEqual(first);
          expect(await world.seated(two)).toBeLessThanOrEqual(second);
        },
      ),
      { numRuns: 15 },
    );
  }, 60_000);

  it('a seat with which nobody can work keeps nobody from one with which they can, and a dry run says so', async () => {
    const { database, licenses, seats } = world.node;
    const left: Record<string, (id: string) => Promise<unknown>> = {
      revoked: (id) => licenses.changeStatus(id, 'revoked', 'admin'),
      cancelled: (id) => licenses.changeStatus(id, 'cancelled', 'admin'),
      expired: (id) => world.end(id, new Date('2026-03-01T00:00:00.000Z')),
      suspended: (id) => licenses.changeStatus(id, 'suspended', 'admin'),
      'not started': (id) =>
        database.query(sql`
          UPDATE licenses SET starts_at = now() + interval '1 day', ends_at = NULL WHERE id = ${id}`),
      floating: (id) => setTerms(world, id, { seatModel: 'floating', seatLimit: 5 }),
      'for everybody': (id) => setTerms(world, id, { seatModel: 'unlimited', seatLimit: null }),
      'for elsewhere': (id) =>
        database.query(sql`UPDATE licenses SET environment = 'staging' WHERE id = ${id}`),
    };
    for (const [how, leave] of Object.entries(left)) {
      await revokeAll();
      const [ann, ben] = await people(2);
      const old = await named(5);
      await seats.assignSeat(old, ann?.id ?? '', 'admin');
      await leave(old);
      const licenseId = await named(5);
      const lines = read(`email\n${ann?.email}\n${ben?.email}\n`);
      for (const results of [await imports.plan(lines, TARGET), await imports.run(lines, TARGET, 'admin')]) {
        expect([how, ...results]).toMatchObject([
          how,
          { outcome: 'assigned', licenseId },
          { outcome: 'assigned', licenseId },
        ]);
      }
      expect(await imports.run(lines, TARGET, 'admin')).toMatchObject([
        { outcome: 'already-seated', licenseId },
        { outcome: 'already-seated', licenseId },
      ]);
    }
  }, 60_000);

  it('a license for another environment seats whoever is named with it, and nobody else', async () => {
    await revokeAll();
    const trial = { key: 'trial', name: 'Trial', baseUrl: 'https://trial.example', environment: 'staging' };
    await world.node.catalog.createModule(trial, 'admin');
    const licenseId = await world.license({ seatModel: 'named', seatLimit: 5, environment: 'staging' });
    const [ann, ben] = await people(2);
    await world.node.seats.assignSeat(licenseId, ben?.id ?? '', 'admin');
    const lines = read(`email,license\n${ann?.email},\n${ann?.email},${licenseId}\n${ben?.email},\n`);
    for (const results of [await imports.plan(lines, TARGET), await imports.run(lines, TARGET, 'admin')]) {
      expect(results).toMatchObject([
        { outcome: 'refused', code: 'other_environment', licenseId },
        { outcome: 'assigned', licenseId },
        { outcome: 'refused', code: 'other_environment', licenseId },
      ]);
    }
  });

  it('a license that gives no seat says why to whoever sits there from before, named or not', async () => {
    await revokeAll();
    const { licenses, seats } = world.node;
    const [ann] = await people(1);
    const [older, latest] = [await named(5), await named(5)];
    for (const id of [older, latest]) await seats.assignSeat(id, ann?.id ?? '', 'admin');
    await licenses.changeStatus(older, 'cancelled', 'admin');
    await world.node.database.query(sql`
      UPDATE licenses SET starts_at = starts_at + interval '1 day' WHERE id = ${latest}`);
    await world.end(latest, new Date('2026-03-01T00:00:00.000Z'));
    const lines = read(`email,license\n${ann?.email},\n${ann?.email},${older}\n`);
    const ended = { outcome: 'refused', code: 'license_ended' };
    for (const results of [await imports.plan(lines, TARGET), await imports.run(lines, TARGET, 'admin')]) {
      expect(results).toMatchObject([
        { ...ended, licenseId: latest, problem: 'This license is over.' },
        { ...ended, licenseId: older, problem: 'This license is cancelled.' },
      ]);
    }
    // one that lives and whose seats float says more than those that have ended
    const floating = await floatingLicense(world, 5);
    expect(await imports.run(lines, TARGET, 'admin')).toMatchObject([
      { outcome: 'refused', code: 'no_seats', licenseId: floating },
      ended,
    ]);
    expect([await world.seated(older), await world.seated(latest)]).toEqual([1, 1]);
  });

  it('each line is assigned by itself and told as it comes; running it again finds everybody seated', async () => {
    await revokeAll();
    const licenseId = await named(2);
    const [a, b, c] = await people(3);
    const lines = read(`email\n${a?.email}\nstranger@x.example\n${b?.email}\n${c?.email}\n`);
    const told: number[] = [];
    let results: unknown;
    const traces = await world.traced(async () => {
      results = await imports.run(lines, TARGET, 'admin', ({ line }) => told.push(line));
    });
    expect(results).toEqual([
      { line: 2, email: a?.email, outcome: 'assigned', licenseId },
      {
        line: 3,
        email: 'stranger@x.example',
        outcome: 'refused',
        licenseId: null,
        code: 'not_a_member',
        problem: expect.any(String),
      },
      { line: 4, email: b?.email, outcome: 'assigned', licenseId },
      {
        line: 5,
        email: c?.email,
        outcome: 'refused',
        licenseId,
        code: 'SEATS_EXHAUSTED',
        problem: expect.any(String),
      },
    ]);
    expect(told).toEqual([2, 3, 4, 5]);
    expect([traces.version, traces.audit.length, traces.outbox.length]).toEqual([2, 2, 2]);
    expect(await world.traced(() => imports.run(lines, TARGET, 'admin'))).toEqual(NOTHING);
  });

  it('locks a license that has turned out to be full for nobody but who may come back to a seat that cools', async () => {
    await revokeAll();
    const licenseId = await world.license({ seatModel: 'named', seatLimit: 2, seatCooldownSeconds: 600 });
    const [first, cooling, ...others] = await people(20);
    await world.node.seats.assignSeat(licenseId, cooling?.id ?? '', 'admin');
    await world.node.seats.releaseSeat(licenseId, cooling?.id ?? '', 'admin');
    const all = [first, ...others, cooling];
    world.statements.clear();
    const text = all.map((one) => `${one?.email},${licenseId}\n`).join('');
    const results = await imports.run(read(`email,license\n${text}`), TARGET, 'admin');
    expect(results.map(({ code, outcome }) => code ?? outcome)).toEqual([
      'assigned',
      ...others.map(() => 'SEATS_EXHAUSTED'),
      'assigned',
    ]);
    // the first, the one who finds it full, and the one who comes back
    const locks = world.statements.take().filter(({ text }) => /FROM licenses .* FOR UPDATE/.test(text));
    expect(locks).toHaveLength(3);
  });

  it('of one organization goes on once at a time, on whichever node, and of another beside it', async () => {
    await revokeAll();
    const { accounts, database } = world.node;
    const licenseId = await named(5);
    const [one, two] = await people(2);
    const key = `other-${randomBytes(4).toString('hex')}`;
    const { id: organizationId } = await accounts.createOrganization({ key, name: 'Other' }, 'seed');
    await world.license({ organizationId, seatModel: 'named', seatLimit: 5 });
    const there = importsOf(world.nodes[1] ?? world.node);
    const lines = (email: string | undefined) => read(`email\n${email}\n`);
    const watcher = new Client({ connectionString: world.databaseUrl });
    await watcher.connect();
    try {
      await watcher.query('BEGIN');
      await watcher.query('SELECT FROM licenses WHERE id = $1 FOR UPDATE', [licenseId]);
      const under = imports.run(lines(one?.email), TARGET, 'admin');
      await eventually(async () => {
        const waiting = await database.query(sql`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
        return waiting.length > 0 ? true : undefined;
      }, 'the import that waits for the license');
      await expect(there.run(lines(two?.email), TARGET, 'admin')).rejects.toMatchObject({
        ...{ status: 409, code: 'import_under_way' },
      });
      expect(await there.plan(lines(two?.email), TARGET)).toMatchObject([{ outcome: 'assigned' }]);
      const beside = await there.run(lines(two?.email), { ...TARGET, organizationKey: key }, 'admin');
      expect(beside).toMatchObject([{ code: 'not_a_member' }]);
      await watcher.query('COMMIT');
      expect(await under).toMatchObject([{ outcome: 'assigned' }]);
    } finally {
      await watcher.end();
    }
    // also after one that failed
    await expect(imports.run(lines(two?.email), { ...TARGET, moduleKey: 'nothing' }, 'x')).rejects.toThrow();
    expect(await there.run(lines(two?.email), TARGET, 'admin')).toMatchObject([{ outcome: 'assigned' }]);
  });

  it('another organization’s license gives nothing, and an unknown organization or module stops before the first line', async () => {
    const { accounts, licenses } = world.node;
    const key = `other-${randomBytes(4).toString('hex')}`;
    const { id: organizationId } = await accounts.createOrganization({ key, name: 'Other' }, 'seed');
    await named(1);
    const foreign = await licenses.issue(
      world.terms({ organizationId, seatModel: 'named', seatLimit: 5 }),
      'seed',
    );
    const [person] = await people(1);
    const lines = read(`email,license\n${person?.email},${foreign.licenseId}\n`);
    for (const results of [await imports.plan(lines, TARGET), await imports.run(lines, TARGET, 'admin')]) {
      expect(results).toMatchObject([{ outcome: 'refused', code: 'unknown_license' }]);
    }
    expect(await world.seated(foreign.licenseId)).toBe(0);
    for (const wrong of [{ organizationKey: 'nobody' }, { moduleKey: 'nothing' }]) {
      await expect(imports.run(lines, { ...TARGET, ...wrong }, 'admin')).rejects.toMatchObject({
        status: 404,
      });
    }
  });
});
