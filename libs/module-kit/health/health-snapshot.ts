import type { DecisionCount } from '../licenses/decision-counts.js';

/** How current this process is. */
export interface HealthSnapshot {
  /** The event stream counts: it has not been silent for longer than `streamSilenceMs`. */
  hearing: boolean;
  /** Since anything came from the stream, a heartbeat included; null when nothing has, or its place was lost. */
  secondsSinceHeard: number | null;
  /** ISO 8601: from when on every event has been heard; null when there is no such moment. */
  heardSince: string | null;
  tokensRemembered: number;
  /** Questions about tokens that were put to Core Auth since this process began; rises with each request when deaf. */
  introspections: number;
  snapshotsRemembered: number;
  /** Age of the license snapshot that was verified longest ago, in seconds; null when there is none. */
  oldestSnapshotSeconds: number | null;
  /** What this process has decided since it began; a metered use is decided here and once more by the server. */
  decisions: readonly DecisionCount[];
  /** Floating seats that this process holds for people. */
  leasesHeld: number;
  /** Age of the signing keys, in seconds; null when none have been fetched. */
  keysSeconds: number | null;
}
