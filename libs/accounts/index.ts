export type {
  Contact,
  Membership,
  NewMember,
  NewOrganization,
  NewUser,
  Organization,
  Role,
  SignInAccount,
  User,
} from './account.js';
export { AccountRepository } from './account.repository.js';
export { AccountsModule } from './accounts.module.js';
export { isEmailAddress, normalizeEmail } from './email-address.js';
export { PasswordHasher, type PasswordHasherLimits } from './password-hasher.js';
export { passwordProblem, requireAcceptablePassword } from './password-policy.js';
