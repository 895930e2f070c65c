import type { Actor } from '#observability';

/** Who did it, in the audit, when a command did. */
export const ACTOR: Actor = { id: 'cli', address: null, factor: null };
