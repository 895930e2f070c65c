export type {
  Administrator,
  Contact,
  HeldCustomRole,
  Operator,
  Organization,
  Role,
  SignInAccount,
  User,
} from './account.js';
export { AccountRepository } from './account.repository.js';
export { AdministratorRepository } from './administrator.repository.js';
export { AccountsModule } from './accounts.module.js';
export { browserEnvelopeContext, BrowserSealer, type SignInOrigin } from './browser-sealer.js';
export {
  addressChangedMail,
  addressConfirmationMail,
  addressTakenMail,
  alreadyRegisteredMail,
  noAccountMail,
  passwordChangedMail,
  registrationMail,
  resetMail,
} from './account-mails.js';
export { AddressRepository, type AddressOutcome } from './address.repository.js';
export { emailProblem, isEmailAddress, normalizeEmail } from './email-address.js';
export { RefusedActRepository, type RefusedAct } from './refused-act.repository.js';
export { MailCountRepository } from './mail-count.repository.js';
export { MailedTokenRepository } from './mailed-token.repository.js';
export { PasswordHasher } from './password-hasher.js';
export {
  contextWords,
  normalizePassword,
  passwordProblem,
  shortestPassword,
  standsAlone,
  type PasswordUse,
} from './password-policy.js';
export { PasswordRules } from './password-rules.js';
export { AccountDeletionRepository, OwnerElsewhereNeeded } from './account-deletion.repository.js';
export { AccountInvitationRepository } from './account-invitation.repository.js';
export { AccountRemovalRepository } from './account-removal.repository.js';
export { displayNameProblem } from './display-name.js';
export { LONGEST_NAME, nameProblem, normalizeName } from './person-name.js';
export { ExportRepository } from './export.repository.js';
export { PersonExportRepository, type PersonExport } from './person-export.repository.js';
export {
  INVITATION_SECONDS,
  invitedLines,
  MOST_INVITATION_MAILS,
  MOST_INVITED_AT_ONCE,
  requireMail,
  wordsAboutInvited,
  type Invitation,
  type InvitedLine,
  type Invitee,
  type OpenInvitation,
} from './invitation.js';
export { InvitationRepository } from './invitation.repository.js';
export {
  InvitationAcceptanceRepository,
  invalidInvitation,
  type AcceptedInvitation,
} from './invitation-acceptance.repository.js';
export type { Member } from './membership.js';
export { MembershipRepository } from './membership.repository.js';
export { organizationKeyOf } from './organization.js';
export { notAllowed, unknownOrganization } from './organization-errors.js';
export {
  mayInOrganization,
  ORGANIZATION_AUTHORITY,
  rolesFor,
  rolesGivenBy,
  type OrganizationAction,
} from './organization-authority.js';
export { OrganizationRepository, type OrganizationDetails } from './organization.repository.js';
export { OrganizationDeletionRepository } from './organization-deletion.repository.js';
export { OrganizationRemovalRepository } from './organization-removal.repository.js';
export { MOST_CUSTOM_ROLES, type CustomRole, type GivenRole } from './role.js';
export { RoleRepository } from './role.repository.js';
export { ProfileRepository, type Profile } from './profile.repository.js';
