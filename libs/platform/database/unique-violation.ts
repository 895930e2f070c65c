/** SQLSTATE of PostgreSQL's appendix A. */
const UNIQUE_VIOLATION = '23505';

/** Whether somebody else was faster to take what only one can have; the statement has changed nothing. */
export function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: string }).code === UNIQUE_VIOLATION;
}
