import type { VNode } from 'preact';
import { licenseState, type LicenseOverview, type LicenseState } from '#licensing';

const looks: Readonly<Record<LicenseState | 'draft', readonly [words: string, style: string]>> = {
  draft: ['Draft', 'unknown'],
  scheduled: ['Starts later', 'unknown'],
  active: ['Active', 'verified'],
  grace: ['In grace', 'failed'],
  expired: ['Expired', 'failed'],
  suspended: ['Suspended', 'failed'],
  cancelled: ['Cancelled', 'not-applicable'],
  revoked: ['Revoked', 'failed'],
};

export function stateOf(
  { status, startsAt, endsAt, graceDays }: LicenseOverview,
  at: Date,
): LicenseState | 'draft' {
  const term = { startsAt: startsAt.toISOString(), endsAt: endsAt?.toISOString() ?? null };
  return licenseState({ status, graceDays, ...term }, at.getTime()) ?? 'draft';
}

export function LicenseStateBadge({ license, at }: { license: LicenseOverview; at: Date }): VNode {
  const [words, style] = looks[stateOf(license, at)];
  return <span class={`state state-${style}`}>{words}</span>;
}

/** Such as `3 of 5 seats in use, 2 of them away with license files`. */
export function seatsSentence({ seatModel, seatLimit, seatsInUse, seatsAway }: LicenseOverview): string {
  if (seatLimit === null) return 'Seats for everybody';
  const kind = seatModel === 'floating' ? 'floating seats' : 'seats';
  const away = seatsAway > 0 ? `, ${seatsAway} of them away with license files` : '';
  return `${seatsInUse} of ${seatLimit} ${kind} in use${away}`;
}
