import { Injectable } from '@nestjs/common';
import {
  addressChangedMail,
  addressConfirmationMail,
  AddressRepository,
  addressTakenMail,
  MailedTokenRepository,
  normalizeEmail,
  type AddressOutcome,
} from '#accounts';
import { Configuration, MailSealer, randomSecret } from '#platform';
import { PasswordConfirmation, type Confirmation } from './password-confirmation.js';
import { actorOf, type Session, type SignedInPerson } from './session.js';

export type AddressChangeResult = { readonly kind: 'mailed' } | Exclude<Confirmation, { kind: 'confirmed' }>;

/** Another address for an account: its owner proves to know the password here, and to read the mailbox by a link. */
@Injectable()
export class AddressChange {
  constructor(
    private readonly confirmation: PasswordConfirmation,
    private readonly tokens: MailedTokenRepository,
    private readonly addresses: AddressRepository,
    private readonly sealer: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /** Whether there is a password that the owner has to know. */
  async asksPassword(person: SignedInPerson): Promise<boolean> {
    return this.confirmation.asksPassword(person);
  }

  /** Mails a link to the new address; where another account has it, a mail that says so. */
  async begin(
    person: SignedInPerson,
    { email: text, password }: { readonly email: string; readonly password: string },
    address: string,
  ): Promise<AddressChangeResult> {
    const confirmed = await this.confirmation.confirm(person, password, address);
    if (confirmed.kind !== 'confirmed') return confirmed;
    const email = normalizeEmail(text);
    const secret = randomSecret();
    const mails = {
      known: this.sealer.seal(addressTakenMail(email)),
      unknown: this.sealer.seal(addressConfirmationMail(email, this.configuration.issuer, secret)),
    };
    const { userId } = person;
    await this.tokens.request({ purpose: 'change-address', email, secret, userId, mails, address });
    return { kind: 'mailed' };
  }

  /** The address that a link of this person proves; undefined when it no longer stands, or is somebody else's. */
  async pending({ userId }: Session, secret: string): Promise<string | undefined> {
    const token = await this.tokens.find('change-address', secret);
    return token?.userId === userId ? token.email : undefined;
  }

  async complete(session: Session, secret: string, address: string): Promise<AddressOutcome> {
    const notice = this.sealer.seal(addressChangedMail(session.email));
    return this.addresses.change(secret, actorOf(session, address), notice);
  }
}
