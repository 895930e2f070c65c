export interface PublicErrorOptions {
  /** For logs and tests; never sent. */
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error that a caller may read: HTTP status, machine-readable code, one public sentence. */
export class PublicError extends Error {
  readonly reason: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: number,
    readonly code: string,
    readonly publicMessage: string,
    options: PublicErrorOptions = {},
  ) {
    super(options.reason ? `${code}: ${options.reason}` : `${code}: ${publicMessage}`);
    this.name = new.target.name;
    this.reason = options.reason;
    this.headers = options.headers ?? {};
  }
}
