/** An instant as JSON carries it: ISO 8601, UTC, milliseconds (`2026-03-01T00:00:00.000Z`). */
export type Instant = string;

/** `true`/`false` for a boolean feature; a whole number, or null for unlimited, for a limit or for metered use. */
export type FeatureValue = boolean | number | null;

/** A limit bounds what there is at once, a metered feature what is used up in a period. */
export type FeatureType = 'boolean' | 'limit' | 'metered';

/** How long a counter of a metered feature counts, in the calendar of the license's time zone. */
export type UsagePeriod = 'day' | 'month' | 'year';

/** How the values of several licenses become one. A boolean is granted when any license grants it. */
export type FeatureCombine = 'max' | 'sum';

export interface FeatureDefinition {
  readonly key: string;
  readonly type: FeatureType;
  readonly combine: FeatureCombine;
  /** Of a metered feature alone. */
  readonly period?: UsagePeriod;
}

export interface SnapshotModule {
  readonly key: string;
  readonly name: string;
  readonly environment: string;
  readonly baseUrl: string;
  readonly features: readonly FeatureDefinition[];
}

/** What is stored; `scheduled`, `active`, `grace` and `expired` are derived when somebody asks. */
export type LicenseStatus = 'draft' | 'issued' | 'suspended' | 'cancelled' | 'revoked';

export type SeatModel = 'named' | 'floating' | 'unlimited';

/** Beats the plan's value during `[startsAt, endsAt)`; `endsAt` null has no end. */
export interface SnapshotOverride {
  readonly feature: string;
  readonly removed: boolean;
  readonly value: FeatureValue;
  readonly startsAt: Instant;
  readonly endsAt: Instant | null;
}

/** What a license gives from an instant on. */
export interface SnapshotTerms {
  readonly effectiveAt: Instant;
  readonly seatModel: SeatModel;
  /** Null exactly when the seat model is `unlimited`. */
  readonly seatLimit: number | null;
  /** Exclusive: until when those who are seated beyond the limit keep access; null is not at all. */
  readonly surplusUntil: Instant | null;
  /** The plan version's values by feature key. */
  readonly features: Readonly<Record<string, FeatureValue>>;
}

/** Seats that a license file took along. */
export interface SnapshotBlock {
  readonly seats: number;
  /** Exclusive: when the file ends, and its seats are back. */
  readonly until: Instant;
}

export interface SnapshotLicense {
  readonly id: string;
  readonly module: string;
  readonly environment: string;
  readonly status: LicenseStatus;
  readonly startsAt: Instant;
  /** Exclusive; null has no end. */
  readonly endsAt: Instant | null;
  /** Days of 24 hours after `endsAt` during which access goes on. */
  readonly graceDays: number;
  readonly trial: boolean;
  /** Metered use beyond the limit: refused, or counted and billed. */
  readonly overage: 'refuse' | 'allow';
  /** Of the days and months of metered use, an IANA name. */
  readonly timeZone: string;
  /** A member without a seat gets a free one on coming. */
  readonly seatOnFirstUse: boolean;
  /** What the license gives, the earliest first and never empty: the last that has begun holds. */
  readonly terms: readonly SnapshotTerms[];
  readonly overrides: readonly SnapshotOverride[];
  /**
   * Users who hold a named seat, those who have held theirs longest first: of more than the limit the first ones stay
   * when the surplus has to go.
   */
  readonly seats: readonly string[];
  /** What license files took along and has not been returned: so many fewer are left online. Left out of none. */
  readonly offlineBlocks?: readonly SnapshotBlock[];
}

export type OrganizationState = 'active' | 'suspended';

/** Everything a decision about one organization depends on, apart from the time. Safe to send as JSON. */
export interface LicenseSnapshot {
  readonly organization: { readonly id: string; readonly key: string; readonly state: OrganizationState };
  /** Rises with every change; a lower one never replaces a higher one. */
  readonly version: number;
  readonly modules: readonly SnapshotModule[];
  readonly licenses: readonly SnapshotLicense[];
}

/** The part of a snapshot that concerns one module, for a reader that may know about no other. */
export function limitToModule(snapshot: LicenseSnapshot, moduleKey: string): LicenseSnapshot {
  return {
    organization: snapshot.organization,
    version: snapshot.version,
    modules: snapshot.modules.filter((module) => module.key === moduleKey),
    licenses: snapshot.licenses.filter((license) => license.module === moduleKey),
  };
}
