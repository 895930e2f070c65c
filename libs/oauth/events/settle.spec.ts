import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OutboxEvent } from '#events';
import { settle } from './settle.js';

const START = '1-0';
const stream = (kinds: readonly OutboxEvent['kind'][]): OutboxEvent[] =>
  kinds.map((kind, index) => ({
    cursor: `2-${index + 1}`,
    kind,
    subject: 'x',
    organizationId: null,
    occurredAt: new Date(0),
    facts: null,
  }));
const streams = fc
  .array(fc.constantFrom('session-ended', 'user-disabled', 'keys-changed', 'client-changed'), {
    maxLength: 30,
  })
  .map((kinds) => stream(kinds as OutboxEvent['kind'][]));
const isTold = ({ kind }: OutboxEvent) => kind !== 'keys-changed' && kind !== 'client-changed';

describe('the place of a polling receiver', () => {
  it('RFC 8936 §2.4.3: moves over the acknowledged beginning, and not over a gap', () => {
    const events = stream(['session-ended', 'session-ended', 'session-ended', 'session-ended']);
    expect(settle(START, events, new Set(['2-1', '2-3']))).toEqual({
      cursor: '2-1',
      acknowledged: ['2-3'],
      outstanding: [events[1], events[3]],
    });
  });

  it('moves over what is told to no receiver', () => {
    expect(settle(START, stream(['keys-changed', 'client-changed']), new Set())).toEqual({
      cursor: '2-2',
      acknowledged: [],
      outstanding: [],
    });
  });

  it('in whatever order and however piecemeal they are acknowledged, each is told until it is, and none is lost', () => {
    fc.assert(
      fc.property(streams, fc.infiniteStream(fc.nat()), (events, choices) => {
        let cursor = START;
        let acknowledged: readonly string[] = [];
        const taken = new Set<string>();
        for (let step = 0; step <= events.length; step += 1) {
          const rest = events.slice(events.findIndex((event) => event.cursor === cursor) + 1);
          const settled = settle(cursor, rest, new Set([...acknowledged, ...taken]));
          expect(settled.outstanding.map((event) => event.cursor)).toEqual(
            events.filter((event) => isTold(event) && !taken.has(event.cursor)).map((event) => event.cursor),
          );
          ({ cursor, acknowledged } = settled);
          const [choice = 0] = choices.take(1);
          const next = settled.outstanding[choice % Math.max(1, settled.outstanding.length)];
          if (next) taken.add(next.cursor);
        }
        expect(cursor).toBe(events.at(-1)?.cursor ?? START);
        expect(acknowledged).toEqual([]);
      }),
    );
  });
});
