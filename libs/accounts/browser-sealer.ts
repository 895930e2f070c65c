import { Injectable } from '@nestjs/common';
import { KeyEncryption } from '#platform';

/** Where somebody signed in. */
export interface SignInOrigin {
  /** What the browser says of itself. */
  readonly userAgent: string;
  /** The network address. */
  readonly address: string;
}

/** A session goes on under the same id when somebody signs in again: the person is what is known at every sign-in. */
export const browserEnvelopeContext = (userId: string) => `session-browser:${userId}`;

/** What is kept of a browser to show it to its owner; nothing is looked up or decided by it. */
@Injectable()
export class BrowserSealer {
  constructor(private readonly encryption: KeyEncryption) {}

  seal(userId: string, { userAgent, address }: SignInOrigin): string {
    const text = JSON.stringify({ userAgent, address });
    return this.encryption.encrypt(Buffer.from(text), browserEnvelopeContext(userId));
  }

  /** @returns undefined when nothing is known: not kept, or under a key that is not in the ring */
  open(userId: string, envelope: string | null): SignInOrigin | undefined {
    if (envelope === null) return undefined;
    try {
      const text = this.encryption.decrypt(envelope, browserEnvelopeContext(userId)).toString();
      return JSON.parse(text) as SignInOrigin;
    } catch {
      return undefined;
    }
  }
}
