import { Injectable } from '@nestjs/common';
import {
  AddressRepository,
  alreadyRegisteredMail,
  MailedTokenRepository,
  nameProblem,
  normalizeEmail,
  normalizeName,
  PasswordHasher,
  PasswordRules,
  registrationMail,
} from '#accounts';
import { Configuration, MailSealer, randomSecret } from '#platform';
import { SignIn, type SignedIn, type SignInBrowser } from './sign-in.js';

export interface RegistrationForm {
  readonly secret: string;
  readonly name: string;
  readonly password: string;
}

export type RegistrationResult =
  | SignedIn
  | { readonly kind: 'invalid' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly name: string | undefined; readonly password: string | undefined };

/** An account begins with proof of an address; until then nothing is known of anybody, and nothing is told. */
@Injectable()
export class Registration {
  constructor(
    private readonly tokens: MailedTokenRepository,
    private readonly addresses: AddressRepository,
    private readonly rules: PasswordRules,
    private readonly hasher: PasswordHasher,
    private readonly signIn: SignIn,
    private readonly sealer: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /** Mails a link to an address, whether it has an account or not; what the mail says differs. */
  async begin(text: string, address: string): Promise<void> {
    const email = normalizeEmail(text);
    const secret = randomSecret();
    const { issuer } = this.configuration;
    const mails = {
      known: this.sealer.seal(alreadyRegisteredMail(email, issuer)),
      unknown: this.sealer.seal(registrationMail(email, issuer, secret)),
    };
    await this.tokens.request({ purpose: 'register', email, secret, mails, address });
  }

  /** The address that a link proves; undefined when it no longer stands. */
  async pending(secret: string): Promise<string | undefined> {
    const token = await this.tokens.find('register', secret);
    return token?.userId === null ? token.email : undefined;
  }

  /** Makes the account and signs in. What is refused leaves the link as it was. */
  async complete(form: RegistrationForm, browser: SignInBrowser): Promise<RegistrationResult> {
    const { secret, password } = form;
    const email = await this.pending(secret);
    if (email === undefined) return { kind: 'invalid' };
    const name = normalizeName(form.name);
    const problems = {
      name: nameProblem(name),
      password: await this.rules.problem(password, { about: [email, name] }),
    };
    if (problems.name !== undefined || problems.password !== undefined)
      return { kind: 'refused', ...problems };

    const passwordHash = await this.hasher.hash(password);
    const made = await this.addresses.register({ secret, name, passwordHash, address: browser.address });
    if (typeof made === 'string') return { kind: made };
    return this.signIn.start({ id: made.id, email, name, disabledAt: null }, ['pwd'], browser);
  }
}
