import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decide } from './decide.js';
import type { Decision, DecisionQuestion } from './decision.js';
import { parseLicenseSnapshot } from './parse-snapshot.js';
import type {
  FeatureValue,
  LicenseSnapshot,
  SnapshotLicense,
  SnapshotOverride,
  SnapshotTerms,
} from './snapshot.js';

const day = 86_400_000;
const origin = Date.parse('2026-03-29T00:00:00.000Z');
const at = (days: number) => new Date(origin + days * day);

// few distinct values everywhere, so that boundaries meet and licenses compete
const days = fc.integer({ min: -6, max: 6 });
const users = fc.constantFrom('ada', 'bob', 'eve');
const environments = fc.constantFrom('production', 'staging');
const values: fc.Arbitrary<FeatureValue> = fc.constantFrom<FeatureValue>(true, false, 0, 1, 3, null);

const term = fc.tuple(days, fc.option(fc.integer({ min: 1, max: 6 }))).map(([from, length]) => ({
  startsAt: at(from).toISOString(),
  endsAt: length === null ? null : at(from + length).toISOString(),
}));

const overrides: fc.Arbitrary<SnapshotOverride> = fc
  .tuple(term, fc.constantFrom('export', 'charts', 'storage', 'renders'), fc.boolean(), values)
  .map(([interval, feature, removed, value]) => ({ ...interval, feature, removed, value }));

const terms: fc.Arbitrary<readonly SnapshotTerms[]> = fc
  .uniqueArray(
    fc.record({
      from: days,
      surplus: fc.option(fc.integer({ min: 0, max: 3 })),
      seatModel: fc.constantFrom('unlimited', 'named', 'floating'),
      seatLimit: fc.constantFrom(0, 1, 2),
      features: fc.dictionary(fc.constantFrom('export', 'charts', 'storage', 'renders'), values),
    }),
    { selector: ({ from }) => from, minLength: 1, maxLength: 3 },
  )
  .map((all) =>
    all
      .toSorted((one, other) => one.from - other.from)
      .map(({ from, surplus, seatModel, seatLimit, features }) => ({
        effectiveAt: at(from).toISOString(),
        seatModel,
        seatLimit: seatModel === 'unlimited' ? null : seatLimit,
        surplusUntil: surplus === null ? null : at(from + surplus).toISOString(),
        // fast-check makes dictionaries without a prototype; ours come from JSON
        features: { ...features },
      })),
  );

const licenses: fc.Arbitrary<SnapshotLicense> = fc
  .record({
    term,
    id: fc.uuid(),
    module: fc.constantFrom('reports', 'reports', 'projects'),
    environment: environments,
    status: fc.constantFrom('issued', 'issued', 'issued', 'draft', 'suspended', 'cancelled', 'revoked'),
    graceDays: fc.constantFrom(0, 2),
    trial: fc.boolean(),
    overage: fc.constantFrom('refuse', 'allow'),
    seatOnFirstUse: fc.boolean(),
    terms,
    overrides: fc.uniqueArray(overrides, { selector: ({ feature }) => feature, maxLength: 2 }),
    seats: fc.uniqueArray(users),
    offlineBlocks: fc.array(
      fc.record({ seats: fc.constantFrom(1, 2), until: days.map((one) => at(one).toISOString()) }),
      { maxLength: 2 },
    ),
  })
  .map(({ term: interval, ...license }) => ({ ...license, ...interval, timeZone: 'UTC' }));

const features = [
  { key: 'export', type: 'boolean', combine: 'max' },
  { key: 'charts', type: 'limit', combine: 'max' },
  { key: 'storage', type: 'limit', combine: 'sum' },
  { key: 'renders', type: 'metered', combine: 'sum', period: 'month' },
] as const;

const snapshots: fc.Arbitrary<LicenseSnapshot> = fc.record({
  organization: fc.record({
    id: fc.uuid(),
    key: fc.constantFrom('acme', 'globex'),
    state: fc.constantFrom('active', 'active', 'active', 'suspended'),
  }),
  version: fc.nat(),
  modules: fc.constant(
    ['projects', 'reports'].map((key) => ({
      key,
      name: key,
      environment: 'production',
      baseUrl: `https://${key}.example`,
      features,
    })),
  ),
  licenses: fc.uniqueArray(licenses, { selector: ({ id }) => id, maxLength: 5 }),
});

const questions: fc.Arbitrary<DecisionQuestion> = fc
  .record({
    userId: fc.option(users),
    module: fc.constantFrom('reports', 'reports', 'reports', 'ledger'),
    environment: fc.constantFrom('production', 'production', 'production', 'staging'),
    feature: fc.option(fc.constantFrom('export', 'charts', 'storage', 'renders', 'absent')),
    current: fc.integer({ min: 0, max: 5 }),
    leased: fc.option(days),
  })
  .map(({ feature, leased, ...question }) => ({
    ...question,
    ...(feature === null ? {} : { feature }),
    ...(leased === null ? {} : { leases: [{ until: at(leased) }] }),
  }));

const instants = fc.tuple(days, fc.constantFrom(-1, 0, 1)).map(([d, ms]) => new Date(at(d).getTime() + ms));

/** What a decision says, apart from when it was said. */
function said({ allow, code, licenseId, version, limit }: Decision) {
  return { allow, code, licenseId, version, limit };
}

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('decide', () => {
  it('depends on the snapshot and the time alone, and changes neither', () => {
    fc.assert(
      fc.property(
        snapshots,
        snapshots,
        questions,
        instants,
        instants,
        (snapshot, other, question, now, then) => {
          const untouched = copy(snapshot);
          const first = decide(snapshot, question, now);
          decide(snapshot, question, then);
          decide(other, question, now);
          expect(decide(copy(snapshot), question, new Date(now))).toEqual(first);
          expect(snapshot).toEqual(untouched);
        },
      ),
    );
  });

  it('does not depend on the order of licenses or modules', () => {
    fc.assert(
      fc.property(snapshots, questions, instants, (snapshot, question, now) => {
        const reversed = {
          ...snapshot,
          modules: snapshot.modules.toReversed(),
          licenses: snapshot.licenses.toReversed(),
        };
        expect(decide(reversed, question, now)).toEqual(decide(snapshot, question, now));
      }),
    );
  });

  it('never loses access, nor any of a limit, by one more license', () => {
    fc.assert(
      fc.property(snapshots, licenses, questions, instants, (snapshot, added, question, now) => {
        const before = decide(snapshot, question, now);
        const after = decide({ ...snapshot, licenses: [...snapshot.licenses, added] }, question, now);
        if (before.allow) expect(after.allow).toBe(true);
        if (before.code === 'OK') expect(after.code).toBe('OK');
        const limitOf = ({ limit }: Decision) => (limit === null ? Infinity : (limit ?? -1));
        expect(limitOf(after)).toBeGreaterThanOrEqual(limitOf(before));
      }),
      { numRuns: 1000 },
    );
  });

  it('asks nothing of the licenses of other modules and environments', () => {
    fc.assert(
      fc.property(snapshots, questions, instants, (snapshot, question, now) => {
        const own = snapshot.licenses.filter(
          ({ module, environment }) => module === question.module && environment === question.environment,
        );
        fc.pre(own.some(({ status }) => status !== 'draft'));
        expect(decide({ ...snapshot, licenses: own }, question, now)).toEqual(
          decide(snapshot, question, now),
        );
      }),
    );
  });

  it('is not changed by what another organization has, though the ids be the same', () => {
    fc.assert(
      fc.property(snapshots, snapshots, questions, instants, (snapshot, other, question, now) => {
        const alone = said(decide(copy(snapshot), question, now));
        const twins = other.licenses.map((one, index) => ({
          ...one,
          id: snapshot.licenses[index]?.id ?? one.id,
        }));
        decide({ ...other, licenses: twins }, question, now);
        expect(said(decide(snapshot, question, now))).toEqual(alone);
      }),
    );
  });

  it('lets nobody in by licenses that are suspended, cancelled, revoked or drafts', () => {
    const dead = fc.constantFrom('suspended', 'cancelled', 'revoked', 'draft');
    fc.assert(
      fc.property(snapshots, questions, instants, dead, (snapshot, question, now, status) => {
        const stopped = snapshot.licenses.map((one) => ({ ...one, status }));
        expect(decide({ ...snapshot, licenses: stopped }, question, now).allow).toBe(false);
      }),
    );
  });

  it('stays denied for good once terminal, at every time', () => {
    const terminal = fc.constantFrom('cancelled', 'revoked');
    fc.assert(
      fc.property(
        snapshots,
        questions,
        instants,
        instants,
        terminal,
        (snapshot, question, now, then, status) => {
          const ended = { ...snapshot, licenses: snapshot.licenses.map((one) => ({ ...one, status })) };
          expect(said(decide(ended, question, now))).toEqual(said(decide(ended, question, then)));
          expect(decide(ended, question, now).nextTransitionAt).toBeNull();
        },
      ),
    );
  });

  it('says the same on [now, nextTransitionAt), which lies after now', () => {
    const fractions = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    fc.assert(
      fc.property(snapshots, questions, instants, fractions, (snapshot, question, now, fraction) => {
        const first = decide(snapshot, question, now);
        const end = first.nextTransitionAt?.getTime() ?? now.getTime() + 100 * day;
        expect(end).toBeGreaterThan(now.getTime());
        const between = new Date(now.getTime() + Math.floor((end - now.getTime()) * fraction));
        for (const later of [between, new Date(end - 1)]) {
          const again = decide(snapshot, question, later);
          expect(said(again)).toEqual(said(first));
          expect(again.nextTransitionAt).toEqual(first.nextTransitionAt);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('names no transition after everything has ended', () => {
    fc.assert(
      fc.property(snapshots, questions, (snapshot, question) => {
        const ended = snapshot.licenses.map((one) => ({ ...one, endsAt: at(7).toISOString(), graceDays: 0 }));
        expect(decide({ ...snapshot, licenses: ended }, question, at(7)).nextTransitionAt).toBeNull();
      }),
    );
  });

  it('changes at nextTransitionAt where a single license starts, ends and leaves its grace', () => {
    fc.assert(
      fc.property(term, fc.constantFrom(0, 2), snapshots, (interval, graceDays, snapshot) => {
        fc.pre(interval.endsAt !== null && snapshot.organization.state === 'active');
        const only = {
          ...({
            id: 'only',
            module: 'reports',
            environment: 'production',
            status: 'issued',
            trial: false,
          } as const),
          ...({ overage: 'refuse', timeZone: 'UTC', seatOnFirstUse: false } as const),
          terms: [
            {
              effectiveAt: interval.startsAt,
              ...({ seatModel: 'unlimited', seatLimit: null, surplusUntil: null } as const),
              features: {},
            },
          ],
          ...{ overrides: [], seats: [], graceDays, ...interval },
        };
        const question = { userId: 'ada', module: 'reports', environment: 'production' };
        const codes: string[] = [];
        let now: Date | null = at(-10);
        while (now && codes.length < 5) {
          const decision: Decision = decide({ ...snapshot, licenses: [only] }, question, now);
          codes.push(decision.code);
          now = decision.nextTransitionAt;
        }
        expect(codes).toEqual(['NOT_STARTED', 'OK', ...(graceDays > 0 ? ['OK_GRACE'] : []), 'EXPIRED']);
      }),
    );
  });

  it('survives JSON and parsing without a change', () => {
    fc.assert(
      fc.property(snapshots, questions, instants, (snapshot, question, now) => {
        const parsed = parseLicenseSnapshot(copy(snapshot));
        expect(parsed).toEqual(snapshot);
        expect(decide(parsed, question, now)).toEqual(decide(snapshot, question, now));
      }),
    );
  });
});
