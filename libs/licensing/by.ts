import type { Actor } from '#observability';

/** Who does something: as the audit keeps it, or by a user id, a client id or a word for the process (`seed`) alone. */
export type By = Actor | string;

export function actorOf(by: By): Actor {
  return typeof by === 'string' ? { id: by, address: null, factor: null } : by;
}
