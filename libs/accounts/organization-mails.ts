import { mailLink, type Mail } from '#platform';

const day = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });

interface Invited {
  readonly to: string;
  /** Undefined for an account alone. */
  readonly organization: string | undefined;
  /** Who invites; undefined when no person does. */
  readonly inviter: string | undefined;
  readonly issuer: string;
  readonly secret: string;
  readonly expiresAt: Date;
}

export function invitationMail({ to, organization, inviter, issuer, secret, expiresAt }: Invited): Mail {
  const url = mailLink(issuer, '/invitation', secret);
  const what = organization === undefined ? 'to set up your account' : `to join ${organization}`;
  return {
    to,
    subject: organization === undefined ? 'Set up your account' : `Invitation to ${organization}`,
    paragraphs: [
      inviter === undefined ? `You are invited ${what}.` : `${inviter} invites you ${what}.`,
      { label: organization === undefined ? 'Set up the account' : 'See the invitation', url },
      `The link works once, until ${day.format(expiresAt)} (UTC). If you do not know what this is about, do nothing.`,
    ],
  };
}

interface Deletion {
  readonly to: string;
  readonly organization: string;
  readonly at: Date;
  readonly url: string;
}

export function organizationDeletionMail({ to, organization, at, url }: Deletion): Mail {
  return {
    to,
    subject: `${organization} will be deleted`,
    paragraphs: [
      `An owner of ${organization} has asked for its deletion. On ${day.format(at)} (UTC) it is removed with everything that belongs to it.`,
      'Until then every owner can undo this.',
      { label: 'Open the organization', url },
    ],
  };
}

export function accountDeletionMail({ to, at, url }: Omit<Deletion, 'organization'>): Mail {
  return {
    to,
    subject: 'Your account will be deleted',
    paragraphs: [
      `The deletion of your account was asked for. On ${day.format(at)} (UTC) it is removed with everything that belongs to it.`,
      'Until then everything works as before, and you can undo this. If it was not you who asked, undo it, change your password at once, and look at your sessions.',
      { label: 'Keep the account', url },
    ],
  };
}
