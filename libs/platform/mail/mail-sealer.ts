import { Injectable } from '@nestjs/common';
import { KeyEncryption } from '../crypto/key-encryption.js';
import { randomUUID } from '../crypto/random.js';
import type { Mail } from './mail.js';

/**
 * A mail as the database keeps it. It leaves when the transaction commits that inserts it:
 * `INSERT INTO mails (id, mail_envelope) SELECT ${mail.id}, ${mail.envelope} FROM changed`.
 */
export interface SealedMail {
  readonly id: string;
  readonly envelope: string;
}

export const mailEnvelopeContext = (id: string) => `mail:${id}`;

/** Encrypts mail: it may hold the secret of a token, and the database keeps no secret in the clear. */
@Injectable()
export class MailSealer {
  constructor(private readonly encryption: KeyEncryption) {}

  seal(mail: Mail): SealedMail {
    const id = randomUUID();
    return {
      id,
      envelope: this.encryption.encrypt(Buffer.from(JSON.stringify(mail)), mailEnvelopeContext(id)),
    };
  }

  /** @throws Error when no key of the ring opens it */
  open({ id, envelope }: SealedMail): Mail {
    return JSON.parse(this.encryption.decrypt(envelope, mailEnvelopeContext(id)).toString()) as Mail;
  }
}
