/**
 * Remembers which proofs have been used. A module of several processes plugs one in that they share (Redis: `SET key 1
 * NX PX lifetimeMs`); without one, a proof that was used at one process could be used once more at another.
 */
export interface DpopReplayStore {
  /** @returns false when `key` was used before, within its life of `lifetimeMs` milliseconds; the decision is atomic */
  use(key: string, lifetimeMs: number): boolean | Promise<boolean>;
}
