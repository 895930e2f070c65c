import type { SnapshotLicense, SnapshotTerms } from './snapshot.js';

/** The terms that hold at an instant: the last that have begun, and before any has, the first. */
export function termsAt({ terms }: Pick<SnapshotLicense, 'terms'>, at: number): SnapshotTerms {
  const [first] = terms;
  if (!first) throw new Error('a license without terms');
  let found = first;
  for (const one of terms) if (Date.parse(one.effectiveAt) <= at) found = one;
  return found;
}

/** The instants at which what the terms give changes, in no order. */
export function termsBoundaries({ terms }: SnapshotLicense): number[] {
  return terms.flatMap(({ effectiveAt, surplusUntil }) =>
    [effectiveAt, ...(surplusUntil === null ? [] : [surplusUntil])].map((instant) => Date.parse(instant)),
  );
}
