import { Module } from '@nestjs/common';
import { AccountRepository } from './account.repository.js';
import { AccountDeletionRepository } from './account-deletion.repository.js';
import { AccountInvitationRepository } from './account-invitation.repository.js';
import { AccountRemovalRepository } from './account-removal.repository.js';
import { AddressRepository } from './address.repository.js';
import { AdministratorRepository } from './administrator.repository.js';
import { BrowserSealer } from './browser-sealer.js';
import { ExportRepository } from './export.repository.js';
import { InvitationAcceptanceRepository } from './invitation-acceptance.repository.js';
import { InvitationRepository } from './invitation.repository.js';
import { MailCountRepository } from './mail-count.repository.js';
import { MailedTokenRepository } from './mailed-token.repository.js';
import { MembershipRepository } from './membership.repository.js';
import { OrganizationDeletionRepository } from './organization-deletion.repository.js';
import { OrganizationRemovalRepository } from './organization-removal.repository.js';
import { OrganizationRepository } from './organization.repository.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordRules } from './password-rules.js';
import { PersonExportRepository } from './person-export.repository.js';
import { ProfileRepository } from './profile.repository.js';
import { RefusedActRepository } from './refused-act.repository.js';
import { RoleRepository } from './role.repository.js';

const ORGANIZATIONS = [
  AccountDeletionRepository,
  AccountInvitationRepository,
  AccountRemovalRepository,
  ExportRepository,
  InvitationAcceptanceRepository,
  InvitationRepository,
  MembershipRepository,
  OrganizationDeletionRepository,
  OrganizationRemovalRepository,
  OrganizationRepository,
  RoleRepository,
];

const providers = [
  AccountRepository,
  AddressRepository,
  AdministratorRepository,
  BrowserSealer,
  MailCountRepository,
  MailedTokenRepository,
  PasswordHasher,
  PasswordRules,
  PersonExportRepository,
  ProfileRepository,
  RefusedActRepository,
  ...ORGANIZATIONS,
];

@Module({
  providers,
  exports: providers,
})
export class AccountsModule {}
