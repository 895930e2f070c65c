/** A link that the reader is asked to follow. */
export interface MailAction {
  readonly label: string;
  readonly url: string;
}

/** What goes to one mailbox: what it says, in order; plain text and HTML are made of it when it is sent. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly paragraphs: readonly (string | MailAction)[];
}

/** The address of a page that a mail leads to. @param secret that the page asks for, of a link that works once */
export function mailLink(issuer: string, path: string, secret?: string): string {
  return `${issuer}${path}${secret === undefined ? '' : `?${new URLSearchParams({ token: secret })}`}`;
}
