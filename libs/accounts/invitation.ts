import { PublicError, type Configuration } from '#platform';
import type { Role } from './account.js';
import { emailProblem, normalizeEmail } from './email-address.js';
import type { GivenRole } from './role.js';

export const INVITATION_SECONDS = 7 * 86_400;
/** To one address of one organization, until the invitation is forgotten. */
export const MOST_INVITATION_MAILS = 5;
/** Of one organization, those included that are answered and not yet forgotten. */
export const MOST_INVITATIONS = 1000;
/** Of one act. */
export const MOST_INVITED_AT_ONCE = 100;

/** An invitation that is open, or has expired and can be sent again. */
export interface Invitation {
  readonly id: string;
  readonly email: string;
  readonly role: Role;
  readonly customRole: { readonly id: string; readonly name: string } | null;
  /** Of whose license a seat is kept. */
  readonly licenseId: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly mailsSent: number;
}

export interface InvitationPage {
  readonly invitations: readonly Invitation[];
  /** Where the next page begins, as it is asked for. */
  readonly next: string | undefined;
}

/** An invitation as whoever holds its link sees it. */
export interface OpenInvitation {
  readonly id: string;
  readonly email: string;
  /** Undefined: to an account alone, by the operator of the service. */
  readonly organization: { readonly id: string; readonly name: string; readonly key: string } | undefined;
  readonly role: Role | undefined;
  readonly customRoleName: string | undefined;
  readonly licenseId: string | undefined;
  /** What the inviter calls the person, if anything. */
  readonly name: string | undefined;
  /** Whether somebody has an account with the address already. */
  readonly hasAccount: boolean;
  readonly expiresAt: Date;
}

/** What the password of whoever accepts must have nothing to do with. @param name that they chose */
export function wordsAboutInvited({ email, organization }: OpenInvitation, name: string): string[] {
  return [email, name, ...(organization ? [organization.name, organization.key] : [])];
}

/** Somebody who is to be invited. */
export interface Invitee extends GivenRole {
  readonly organizationId: string;
  readonly email: string;
  /** Of whose license a seat is kept. */
  readonly licenseId?: string | undefined;
}

/** A line of a list of addresses, as it was typed and as it was understood. */
export interface InvitedLine {
  readonly text: string;
  /** Undefined when it is none, or there before. */
  readonly email: string | undefined;
  readonly problem: string | undefined;
}

const LONGEST_SHOWN = 320;

/** The addresses of a pasted text: one in each line, or several separated by commas, semicolons or spaces. */
export function invitedLines(text: string): InvitedLine[] {
  const seen = new Set<string>();
  return text
    .split(/[\s,;]+/u)
    .filter((part) => part !== '')
    .map((part) => {
      const email = normalizeEmail(part);
      const shown = part.slice(0, LONGEST_SHOWN);
      const problem = emailProblem(email);
      if (problem !== undefined) return { text: shown, email: undefined, problem };
      if (seen.has(email)) return { text: shown, email: undefined, problem: 'The address is there twice.' };
      seen.add(email);
      return { text: shown, email, problem: undefined };
    });
}

/** An invitation that nobody is sent would only seem to be on its way. @throws PublicError 403 `no_mail` */
export function requireMail({ sendsMail }: Pick<Configuration, 'sendsMail'>): void {
  if (sendsMail) return;
  throw new PublicError(
    403,
    'no_mail',
    'No mail leaves this installation, and an invitation is a mail. Whoever runs it has to set CORE_AUTH_SMTP_URL and CORE_AUTH_MAIL_FROM first.',
  );
}
