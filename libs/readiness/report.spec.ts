import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checklist, type ChecklistItem } from './checklist.js';
import { controls } from './controls/index.js';
import { composeReport, type Finding, type ItemState, type Result } from './report.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const SUBJECT = { version: '1.0.0', commit: 'abc', instance: 'one', environment: 'production' };
const measured = checklist.filter(({ id }) => !id.startsWith('final.'));

const findings: Readonly<Record<ItemState, Finding>> = {
  verified: { state: 'verified', seen: 'it' },
  failed: { state: 'failed', expected: 'this', seen: 'that', mend: 'do it' },
  unknown: { state: 'unknown', seen: 'a part', missing: 'the rest' },
  'not-applicable': { state: 'not-applicable', seen: 'a fact' },
};

function result(id: string, state: ItemState, expiresAt = new Date(NOW.getTime() + 1_000)): Result {
  return {
    id,
    kind: 'probe',
    finding: findings[state],
    observedAt: new Date(NOW.getTime() - 5_000),
    expiresAt,
  };
}

function compose(results: readonly Result[], items: readonly ChecklistItem[] = checklist) {
  return composeReport(items, new Map(results.map((one) => [one.id, one])), SUBJECT, NOW);
}

const stateOf = (report: ReturnType<typeof compose>, id: string) =>
  report.items.find((item) => item.id === id)?.state;

const sections = [
  ['final.security', 'security.', 22],
  ['final.configuration', 'config.', 24],
  ['final.monitoring', 'monitoring.', 18],
  ['final.testing', 'testing.', 19],
  ['final.documentation', 'docs.', 11],
  ['final.deployment', 'deploy.', 19],
  ['final.quality', 'quality.', 14],
  ['final.performance', 'performance.', 12],
] as const;

describe('the checklist', () => {
  it('holds 147 items, numbered in order, each id once', () => {
    expect(checklist.map(({ number }) => number)).toEqual(
      Array.from({ length: 147 }, (_, index) => index + 1),
    );
    expect(new Set(checklist.map(({ id }) => id)).size).toBe(147);
  });

  it('has a control only for items that exist, of a kind by which the item is verified', () => {
    for (const { id, kind } of controls) {
      expect(checklist.find((item) => item.id === id)?.kinds).toContain(kind);
    }
  });

  it('orders the controls as it orders the items', () => {
    const order = checklist.map(({ id }) => id).filter((id) => controls.some((control) => control.id === id));
    expect(controls.map(({ id }) => id)).toEqual(order);
  });
});

describe('the report', () => {
  it('lists every item in order and calls one without evidence unknown, with what is missing', () => {
    const report = compose([]);
    expect(report.items.map(({ id }) => id)).toEqual(checklist.map(({ id }) => id));
    expect(report.summary).toEqual({ verified: 0, failed: 0, unknown: 147, notApplicable: 0 });
    for (const { evidence } of report.items) expect(evidence.missing).not.toBe('');
  });

  it('takes each state and its evidence from the control and tells its age', () => {
    const report = compose([result('security.auth.csrf-state', 'failed')]);
    expect(report.items[3]).toMatchObject({
      number: 4,
      state: 'failed',
      evidence: {
        kind: 'probe',
        expected: 'this',
        seen: 'that',
        mend: 'do it',
        observedAt: '2026-01-01T11:59:55.000Z',
        ageSeconds: 5,
      },
    });
  });

  it('calls evidence that is too old unknown, whatever it said', () => {
    fc.assert(
      fc.property(fc.constantFrom(...measured), fc.constantFrom(...Object.keys(findings)), (item, state) => {
        const old = compose([result(item.id, state as ItemState, new Date(NOW.getTime() - 1))]);
        expect(stateOf(old, item.id)).toBe('unknown');
      }),
    );
  });

  it('counts each item once', () => {
    fc.assert(
      fc.property(anyStates(), (states) => {
        const { summary } = compose(states);
        expect(summary.verified + summary.failed + summary.unknown + summary.notApplicable).toBe(147);
      }),
    );
  });
});

describe.each(sections)('%s', (final, prefix, size) => {
  const members = measured.filter(({ id }) => id.startsWith(prefix));

  it(`sums up the ${size} items of its section`, () => {
    expect(members).toHaveLength(size);
  });

  it('is failed when any is red, verified when all are verified or do not apply, otherwise unknown', () => {
    fc.assert(
      fc.property(anyStates(), (results) => {
        const report = compose(results);
        const states = members.map(({ id }) => stateOf(report, id));
        const expected = states.includes('failed')
          ? 'failed'
          : states.includes('unknown')
            ? 'unknown'
            : 'verified';
        expect(stateOf(report, final)).toBe(expected);
      }),
    );
  });

  it('is green only with the last one, red with any one', () => {
    const green = members.map(({ id }) => result(id, 'verified'));
    expect(stateOf(compose(green), final)).toBe('verified');
    for (const { id } of members) {
      const others = green.filter((one) => one.id !== id);
      expect(stateOf(compose(others), final)).toBe('unknown');
      expect(stateOf(compose([...others, result(id, 'not-applicable')]), final)).toBe('verified');
      expect(stateOf(compose([...others, result(id, 'failed')]), final)).toBe('failed');
    }
  });
});

/** A result, or none, for each item; green ones more often, so that whole sections of them occur. */
function anyStates() {
  const state = fc.oneof(
    { weight: 60, arbitrary: fc.constant<ItemState>('verified') },
    {
      weight: 2,
      arbitrary: fc.constantFrom<ItemState | undefined>('failed', 'unknown', 'not-applicable', undefined),
    },
  );
  return fc
    .tuple(...measured.map(() => state))
    .map((states) =>
      states.flatMap((each, index) => (each === undefined ? [] : [result(measured[index]?.id ?? '', each)])),
    );
}
