import { PublicError } from '#platform';
import { MOST_INVITATION_MAILS } from './invitation.js';
import { unknownRole, type ActFacts } from './organization-errors.js';

export interface InviteFacts extends ActFacts {
  readonly role_known: boolean;
  readonly lasting: boolean;
  readonly stranger: boolean;
  readonly room: boolean;
  readonly patient: boolean;
  readonly saved: boolean;
}

export function inviteRefusal(facts: InviteFacts | undefined): PublicError | undefined {
  if (!facts?.role_known) return unknownRole();
  if (!facts.stranger) {
    return new PublicError(409, 'already_member', 'This person belongs to the organization already.');
  }
  if (!facts.room) {
    return new PublicError(
      409,
      'too_many_invitations',
      'The organization has invited too many people of late. Try again when invitations were accepted or expired.',
    );
  }
  return (
    mailRefusal(facts) ??
    (facts.saved
      ? undefined
      : new PublicError(
          409,
          'already_invited',
          'This person is invited already: send that invitation again.',
        ))
  );
}

export function mailRefusal(
  facts: { patient: boolean; lasting: boolean } | undefined,
): PublicError | undefined {
  if (!facts?.lasting) {
    return new PublicError(
      409,
      'organization_ends',
      'The organization is about to be deleted: nobody can join it.',
    );
  }
  return facts.patient
    ? undefined
    : new PublicError(
        409,
        'too_many_mails',
        `This address has got ${MOST_INVITATION_MAILS} invitations of late. Ask the person to look for them.`,
      );
}

export function unknownInvitation(): PublicError {
  return new PublicError(404, 'unknown_invitation', 'There is no such invitation, or not any more.');
}
