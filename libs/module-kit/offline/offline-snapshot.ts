import type { LicenseSnapshot } from '../licensing/index.js';
import type { LicenseFileClaims } from './license-file.js';

/**
 * The snapshot by which an instance decides: whoever the instance has seated in its block, and nobody else. Named and
 * floating seats are alike there; terms that begin later never widen the block, and may narrow it. A license for
 * everybody stays one.
 */
export function offlineSnapshot(
  { license, seat_block: block }: Pick<LicenseFileClaims, 'license' | 'seat_block'>,
  seats: readonly string[],
): LicenseSnapshot {
  return {
    ...license,
    licenses: license.licenses.map((one) => ({
      ...one,
      seatOnFirstUse: false,
      seats,
      // the block is this instance's own, and those of others are no matter of it
      offlineBlocks: [],
      terms: one.terms.map((terms) =>
        terms.seatLimit === null
          ? terms
          : {
              ...terms,
              seatModel: 'named' as const,
              seatLimit: Math.min(block, terms.seatLimit),
              surplusUntil: null,
            },
      ),
    })),
  };
}
