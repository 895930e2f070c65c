export interface ProblemOptions {
  /** Sent with the answer, e.g. `WWW-Authenticate`. */
  headers?: Readonly<Record<string, string>>;
  /** Further members of the problem (RFC 9457 section 3.2). */
  members?: Readonly<Record<string, string | number | boolean | null>>;
}

/** A refusal that people and programs can read: problem details (RFC 9457), or a page for a browser. */
export class ProblemException extends Error {
  constructor(
    readonly status: number,
    /** Stable and machine-readable, e.g. `NO_LICENSE` or `insufficient_scope`. */
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly extras: ProblemOptions = {},
  ) {
    super(detail);
    this.name = 'ProblemException';
  }

  /** The problem details object. */
  toJSON(): Record<string, string | number | boolean | null> {
    const { title, status, detail, code } = this;
    return { type: 'about:blank', title, status, detail, code, ...this.extras.members };
  }
}

/** Core Auth cannot be asked and nothing remembered is good enough: try again soon. */
export function checkUnavailable(detail = 'Access cannot be checked right now. Try again in a moment.') {
  return new ProblemException(503, 'CHECK_UNAVAILABLE', 'Temporarily unavailable', detail, {
    headers: { 'retry-after': '5' },
  });
}
