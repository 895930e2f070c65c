/** Who does something, for the audit: `actor`, `address` and `factor` of an audit event. */
export interface Actor {
  /** A user id, a client id, or a word for the process (`cli`, `system`). */
  readonly id: string;
  /** The network address that the request came from; null for a process. */
  readonly address: string | null;
  /** The methods (RFC 8176) by which the actor had authenticated, separated by spaces; null for a process. */
  readonly factor: string | null;
}
