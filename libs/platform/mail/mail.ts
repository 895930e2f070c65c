/** A link that the reader is asked to follow. */
export interface MailAction {
  readonly label: string;
  readonly url: string;
}

/** A letter to one mailbox: what it says, in order; plain text and HTML are made of it when it is sent. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly paragraphs: readonly (string | MailAction)[];
}
