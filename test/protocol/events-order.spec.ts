import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { OutboxRepository } from '#events';
import { eventually } from '../support/answers.js';
import { EventReader } from '../support/event-reader.js';
import { World } from '../support/world.js';

const CONNECTIONS = 4;

/** What one connection does next; on a connection without a transaction, a write is one of its own. */
type Step = { readonly connection: number; readonly act: 'begin' | 'write' | 'commit' | 'rollback' } | 'read';

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<Step>('read') },
    {
      weight: 8,
      arbitrary: fc.record({
        connection: fc.nat({ max: CONNECTIONS - 1 }),
        act: fc.constantFrom(
          'begin' as const,
          'write' as const,
          'write' as const,
          'commit' as const,
          'rollback' as const,
        ),
      }),
    },
  ),
  { minLength: 5, maxLength: 60 },
);

/** What this test writes: a transaction elsewhere in the cluster may have held back what was written before it. */
const OURS = /^event-\d+$/;

describe('the order of the outbox', () => {
  let world: World;
  let node: World;
  let outbox: OutboxRepository;
  const connections: Client[] = [];
  let written = 0;

  beforeAll(async () => {
    world = await World.start();
    node = await World.start({ beside: world });
    outbox = world.app.get(OutboxRepository);
    for (let index = 0; index < CONNECTIONS; index += 1) {
      const client = new Client({ connectionString: world.database.url });
      await client.connect();
      connections.push(client);
    }
  });
  afterAll(async () => {
    for (const client of connections) await client.end();
    await node.stop();
    await world.stop();
  });

  const write = async (client: Client | undefined): Promise<string> => {
    written += 1;
    const subject = `event-${written}`;
    await client?.query("INSERT INTO outbox (kind, subject) VALUES ('user-disabled', $1)", [subject]);
    return subject;
  };

  /** Reads on to the end of what is readable, a few at a time. */
  const readOn = async (from: string, heard: string[]): Promise<string> => {
    let cursor = from;
    for (;;) {
      const events = await outbox.after(cursor, 3);
      heard.push(...events.map(({ subject }) => subject).filter((subject) => OURS.test(subject)));
      const last = events.at(-1);
      if (!last) return cursor;
      cursor = last.cursor;
    }
  };

  it('however long and short transactions interleave, a reader that reads in between skips nothing and repeats nothing, and hears what one hears who reads it all afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const { present: start } = await outbox.reach();
        let cursor = start;
        const heard: string[] = [];
        const committed: string[] = [];
        const open = new Map<number, string[]>();
        const end = async (connection: number, act: 'commit' | 'rollback') => {
          await connections[connection]?.query(act);
          if (act === 'commit') committed.push(...(open.get(connection) ?? []));
          open.delete(connection);
        };
        for (const step of script) {
          if (step === 'read') {
            cursor = await readOn(cursor, heard);
            continue;
          }
          const { connection, act } = step;
          const mine = open.get(connection);
          if (act === 'begin' && !mine) {
            await connections[connection]?.query('begin');
            open.set(connection, []);
          } else if (act === 'write') (mine ?? committed).push(await write(connections[connection]));
          else if (mine && (act === 'commit' || act === 'rollback')) await end(connection, act);
        }
        for (const connection of [...open.keys()]) await end(connection, 'commit');
        await eventually(async () => {
          cursor = await readOn(cursor, heard);
          return heard.length >= committed.length || undefined;
        }, 'every committed event');

        expect([...heard].sort()).toEqual([...committed].sort());
        const afterwards: string[] = [];
        await readOn(start, afterwards);
        expect(heard).toEqual(afterwards);
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('readers of two nodes, who follow while transactions of every length run at once, hear the same, whole and in one order', async () => {
    const readers = [
      await EventReader.open(world.url, world.client('projects')),
      await EventReader.open(node.url, world.client('projects')),
    ];
    for (const reader of readers) await reader.ready();
    const committed: string[] = [];
    const work = async (client: Client | undefined, longest: number) => {
      for (let round = 0; round < 25; round += 1) {
        await client?.query('begin');
        const mine = [await write(client)];
        await sleep(Math.random() * longest);
        mine.push(await write(client));
        const kept = Math.random() < 0.8;
        await client?.query(kept ? 'commit' : 'rollback');
        if (kept) committed.push(...mine);
      }
    };
    await Promise.all(connections.map((client, index) => work(client, 2 * 4 ** index)));
    const subjects = ({ events }: EventReader) =>
      events.flatMap(({ data = '{}' }) => {
        const { sub } = (JSON.parse(data) as { sub_id: { sub?: string } }).sub_id;
        return sub !== undefined && OURS.test(sub) ? [sub] : [];
      });
    for (const reader of readers)
      await eventually(() => subjects(reader).length >= committed.length || undefined, 'every event', 15_000);
    const [here = [], there] = readers.map(subjects);
    expect([...here].sort()).toEqual([...committed].sort());
    expect(there).toEqual(here);
    readers.forEach((reader) => reader.close());
  }, 60_000);
});
