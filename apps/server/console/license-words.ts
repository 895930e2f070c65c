import type { FeatureValue, SeatModel } from '#licensing';

/** A value of a feature as people say it: `included`, `unlimited`, `5`, `1000 a month`. */
export function valueWords(value: FeatureValue, period: string | null = null): string {
  if (typeof value === 'boolean') return value ? 'included' : 'not included';
  if (value === null) return 'unlimited';
  return period === null ? String(value) : `${value} a ${period}`;
}

/** `5 named seats`, `seats for everybody`. */
export function seatsWords({ seatModel, seatLimit }: { seatModel: SeatModel; seatLimit: number | null }) {
  return seatLimit === null ? 'seats for everybody' : `${seatLimit} ${seatModel} seats`;
}
