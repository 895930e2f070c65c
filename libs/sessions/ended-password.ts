import { Injectable } from '@nestjs/common';
import { PasswordHasher } from '#accounts';
import { PasswordRepository } from './password.repository.js';

/** A password that whoever runs the service has ended, in whose place its owner chooses another. */
@Injectable()
export class EndedPassword {
  constructor(
    private readonly passwords: PasswordRepository,
    private readonly hasher: PasswordHasher,
  ) {}

  /** Why this is not to be chosen, as a sentence for the person; undefined when it is another. */
  async problem(userId: string, password: string): Promise<string | undefined> {
    const ended = await this.passwords.endedHash(userId);
    if (ended === undefined || !(await this.hasher.verify(password, ended))) return undefined;
    return 'This password was ended because somebody else may know it. Choose another.';
  }
}
