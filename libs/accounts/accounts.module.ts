import { Module } from '@nestjs/common';
import { AccountRepository } from './account.repository.js';
import { AdministratorRepository } from './administrator.repository.js';
import { PasswordHasher } from './password-hasher.js';

@Module({
  providers: [AccountRepository, AdministratorRepository, PasswordHasher],
  exports: [AccountRepository, AdministratorRepository, PasswordHasher],
})
export class AccountsModule {}
