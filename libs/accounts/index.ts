export type {
  Administrator,
  Contact,
  Membership,
  NewMember,
  NewOrganization,
  NewUser,
  Operator,
  Organization,
  Role,
  SignInAccount,
  User,
} from './account.js';
export { AccountRepository } from './account.repository.js';
export { AdministratorRepository } from './administrator.repository.js';
export { AccountsModule } from './accounts.module.js';
export { isEmailAddress, normalizeEmail } from './email-address.js';
export { PasswordHasher } from './password-hasher.js';
export { passwordProblem } from './password-policy.js';
