/**
 * Keys of what the readiness probe makes of its own for a while: with a whole UUID, so that no customer's is one. Lists
 * of what was sold leave it out.
 */
export const PROBES = '^readiness-probe-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
