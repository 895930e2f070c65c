/**
 * PostgreSQL classes 08, 53 and 57 (connection, resources, shutdown and time-outs), locks that were waited for too long
 * or in a circle, and the sockets below them.
 */
const UNAVAILABLE =
  /^(08|53|57)[0-9A-Z]{3}$|^(55P03|40P01)$|^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT)$/;

/** Whether an error says that a service could not be reached or has no room, so that trying again soon may help. */
export function isUnavailable(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && UNAVAILABLE.test(code);
}
