/** Who does something, for the audit: `actor`, `address`, `factor` and `client_id` of an audit event. */
export interface Actor {
  /** A user id, a client id, or a word for the process (`cli`, `system`). */
  readonly id: string;
  /** The network address that the request came from; null for a process. */
  readonly address: string | null;
  /** The methods (RFC 8176) by which the actor had authenticated, separated by spaces; null for a process. */
  readonly factor: string | null;
  /** The application that acts for a person by an access token; not of who acts in a browser, and of no process. */
  readonly client?: string | undefined;
}
