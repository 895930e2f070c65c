import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from 'pg';
import { AuditChainer, AuditChainRepository, verifyChain, type ChainHead } from '#observability';
import { BuiltProcess } from '../support/built-process.js';
import { World } from '../support/world.js';

jest.setTimeout(120_000);

/** SQLSTATE insufficient_privilege. */
const REFUSED = { code: '42501' };

describe('the audit trail', () => {
  let world: World;
  let beside: World;
  let database: Client;

  beforeAll(async () => {
    world = await World.start();
    beside = await World.start({ beside: world });
    database = await connected();
  });
  afterAll(async () => {
    await database.end();
    await beside.stop();
    await world.stop();
  });

  async function connected(): Promise<Client> {
    const client = new Client({ connectionString: world.database.url });
    await client.connect();
    return client;
  }

  const chain = () => world.app.get(AuditChainRepository);
  const extendOnBoth = () => Promise.all([world, beside].map(({ app }) => app.get(AuditChainer).extend()));
  const verdict = (noted?: ChainHead) => verifyChain(chain(), noted, () => undefined);
  const write = (client: Client, target: string) =>
    client.query("INSERT INTO audit_events (act, actor, target) VALUES ('test.write', 'test', $1)", [target]);

  /** Everything that was committed is chained, however long others keep their transactions open. */
  async function settle(): Promise<void> {
    for (;;) {
      await extendOnBoth();
      if ((await chain().unchainedCount()) === 0) return;
    }
  }

  /** As an administrator who means to hide something: triggers do not fire for them. */
  async function tamper(text: string): Promise<number | null> {
    const intruder = await connected();
    await intruder.query('SET session_replication_role = replica');
    const { rowCount } = await intruder.query(text);
    await intruder.end();
    return rowCount;
  }

  it('chains each event once, in the order of transactions, while long and short ones overlap on two nodes', async () => {
    const writers = await Promise.all(Array.from({ length: 8 }, connected));
    const rounds = writers.map(async (client, writer) => {
      for (let round = 0; round < 25; round += 1) {
        await client.query('BEGIN');
        await write(client, `${writer}-${round}`);
        // every other writer holds its transaction open over several events of the rest
        for (let waits = 0; waits < (writer % 2) * 5; waits += 1)
          await client.query('SELECT pg_sleep(0.001)');
        await write(client, `${writer}-${round}-again`);
        await client.query(round % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
        if (round % 3 === 0) await extendOnBoth();
      }
    });
    await Promise.all(rounds);
    await Promise.all(writers.map((client) => client.end()));
    await settle();

    const { rows } = await database.query<{ target: string; transaction: string; id: string }>(`
      SELECT target, transaction_id::text AS transaction, e.id::text
        FROM audit_chain c JOIN audit_events e ON e.id = c.event_id WHERE act = 'test.write' ORDER BY position`);
    expect(rows).toHaveLength(8 * 20 * 2);
    expect(new Set(rows.map(({ target }) => target)).size).toBe(rows.length);
    const places = rows.map(({ transaction, id }) => [BigInt(transaction), BigInt(id)] as const);
    for (const [index, [transaction, id]] of places.entries()) {
      const [before, idBefore] = places[index - 1] ?? [0n, 0n];
      expect(transaction > before || (transaction === before && id > idBefore)).toBe(true);
    }
    expect(await verdict()).toMatchObject({ faults: [], unchained: 0 });
  });

  it('chains which application acted, and says so when that is taken away', async () => {
    const { rows } = await database.query<{ id: string }>(`
      INSERT INTO audit_events (act, actor, target, client_id) VALUES ('test.write', 'test', 'x', 'assistant')
      RETURNING id`);
    await settle();
    expect(await verdict()).toMatchObject({ faults: [] });
    await tamper(`UPDATE audit_events SET client_id = NULL WHERE id = ${rows[0]?.id}`);
    const { faults } = await verdict();
    expect(faults).toEqual([expect.stringContaining(`Event ${rows[0]?.id} at `)]);
    await tamper(`UPDATE audit_events SET client_id = 'assistant' WHERE id = ${rows[0]?.id}`);
    expect(await verdict()).toMatchObject({ faults: [] });
  });

  it('keeps no writer waiting for another', async () => {
    const [one, other] = [await connected(), await connected()];
    await one.query('BEGIN');
    await write(one, 'first');
    await other.query("SET lock_timeout = '100ms'");
    await write(other, 'second');
    // nor does the chain wait: it goes on once the first has ended
    await extendOnBoth();
    expect(await chain().unchainedCount()).toBeGreaterThan(0);
    await one.query('COMMIT');
    await Promise.all([one.end(), other.end()]);
    await settle();
  });

  it('is changed by nobody: neither by its owner nor by an administrator', async () => {
    for (const text of [
      "UPDATE audit_events SET actor = 'nobody'",
      'DELETE FROM audit_events',
      'TRUNCATE audit_events',
      "UPDATE audit_chain SET digest = decode(repeat('00', 32), 'hex')",
      'DELETE FROM audit_chain',
      'TRUNCATE audit_chain',
    ]) {
      await expect(database.query(text)).rejects.toMatchObject(REFUSED);
    }
    expect(await verdict()).toMatchObject({ faults: [] });
  });

  it('goes on after a restore into a cluster whose transactions count from the beginning', async () => {
    await settle();
    // what a restored row looks like: written by a transaction that this cluster has not come to
    await tamper(
      `UPDATE audit_events SET transaction_id = (transaction_id::text::numeric + 1e12)::text::xid8`,
    );
    await write(database, 'after the restore');
    await settle();
    await write(database, 'later');
    await settle();
    const { rows } = await database.query<{ target: string }>(`
      SELECT target FROM audit_chain JOIN audit_events e ON e.id = event_id ORDER BY position DESC LIMIT 2`);
    expect(rows.map(({ target }) => target)).toEqual(['later', 'after the restore']);
    expect(await verdict()).toMatchObject({ faults: [], unchained: 0 });
  });

  describe('core-auth audit', () => {
    async function audit(...args: string[]): Promise<{ code: number | null; said: string }> {
      const program = new BuiltProcess('dist/apps/cli/main.js', {
        args: ['audit', ...args],
        env: {
          DATABASE_URL: world.database.url,
          CORE_AUTH_KEY_ENCRYPTION_KEYS: String(world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS']),
        },
      });
      const { code } = await program.ended;
      return { code, said: program.output.trim() };
    }
    const noted = async () => (await audit('head')).said;

    it('verify says that the trail is what was written, and its head', async () => {
      await settle();
      const head = await noted();
      expect(head).toMatch(/^\d+:[0-9a-f]{64}$/);
      const [count] = head.split(':');
      expect(await audit('verify')).toEqual({
        code: 0,
        said: `The audit trail of ${count} events is what was written.\nIts head is ${head}`,
      });
      expect((await audit('verify', '--head', head)).code).toBe(0);
    });

    it('verify says which event was changed, removed or put elsewhere', async () => {
      await settle();
      const { rows } = await database.query<{ id: string; position: string }>(
        'SELECT event_id AS id, position FROM audit_chain ORDER BY position OFFSET 3 LIMIT 2',
      );
      const [one, two] = rows;
      const changes: readonly (readonly [string, string, string])[] = [
        [
          `UPDATE audit_events SET actor = actor || ' x' WHERE id = ${one?.id}`,
          `UPDATE audit_events SET actor = left(actor, -2) WHERE id = ${one?.id}`,
          `Event ${one?.id} at ${one?.position} is not what was chained.`,
        ],
        [
          `UPDATE audit_events SET occurred_at = occurred_at + interval '1 microsecond' WHERE id = ${two?.id}`,
          `UPDATE audit_events SET occurred_at = occurred_at - interval '1 microsecond' WHERE id = ${two?.id}`,
          `Event ${two?.id} at ${two?.position} is not what was chained.`,
        ],
        [
          `UPDATE audit_events SET client_id = 'somebody-else' WHERE id = ${one?.id}`,
          `UPDATE audit_events SET client_id = NULL WHERE id = ${one?.id}`,
          `Event ${one?.id} at ${one?.position} is not what was chained.`,
        ],
        [
          `WITH gone AS (DELETE FROM audit_events WHERE id = ${one?.id} RETURNING *) INSERT INTO taken SELECT * FROM gone`,
          'INSERT INTO audit_events OVERRIDING SYSTEM VALUE SELECT * FROM taken',
          `Event ${one?.id} at ${one?.position} is missing.`,
        ],
        [
          `UPDATE audit_chain SET position = -position WHERE position = ${one?.position}`,
          `UPDATE audit_chain SET position = -position WHERE position = -${one?.position}`,
          `Links ${one?.position} to ${one?.position} are missing.`,
        ],
      ];
      await database.query('ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_position_check');
      await database.query('CREATE TABLE taken (LIKE audit_events)');
      for (const [change, restore, sentence] of changes) {
        expect(await tamper(change)).toBe(1);
        const { code, said } = await audit('verify');
        expect(code).toBe(1);
        expect(said).toContain(sentence);
        expect(said).toMatch(/The audit trail of \d+ events is not what was written\.$/);
        expect(await tamper(restore)).toBe(1);
      }
      expect((await audit('verify')).code).toBe(0);
    });

    it('verify with a head that was noted tells a trail that was cut off, and one that was chained anew', async () => {
      await settle();
      const head = await noted();
      const { rows: last } = await database.query<{ event_id: string; position: string }>(
        'SELECT event_id, position FROM audit_chain ORDER BY position DESC LIMIT 1',
      );
      await tamper(`DELETE FROM audit_chain WHERE position = ${last[0]?.position}`);
      await tamper(`DELETE FROM audit_events WHERE id = ${last[0]?.event_id}`);
      expect((await audit('verify')).code).toBe(0);
      const cut = await audit('verify', '--head', head);
      expect(cut.code).toBe(1);
      expect(cut.said).toContain(
        `The chain does not lead through the head that was noted, ${last[0]?.position}.`,
      );

      // the server itself chains what was rewritten, as if it had been so from the beginning
      await tamper("UPDATE audit_events SET actor = 'nobody' WHERE id = (SELECT min(id) FROM audit_events)");
      await tamper('DELETE FROM audit_chain');
      await write(database, 'in place of the last');
      await settle();
      expect((await audit('verify')).code).toBe(0);
      expect((await audit('verify', '--head', head)).code).toBe(1);
    });

    it('says what it can do when the arguments are wrong', async () => {
      for (const args of [
        [],
        ['destroy'],
        ['head', 'x'],
        ['verify', '--head'],
        ['verify', '--head', '1:xy'],
      ]) {
        expect(await audit(...args)).toEqual({
          code: 1,
          said: expect.stringContaining('Usage: core-auth audit'),
        });
      }
    });
  });
});
