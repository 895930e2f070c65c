import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { addSeconds, Clock, KeyEncryption, randomSecret } from '#platform';
import type { FactorOwner } from './factor.js';
import { base32, matchingStep, readTotpCode, totpUri } from './totp.js';
import { TotpRepository } from './totp.repository.js';

const OFFER_SECONDS = 900;
/** RFC 4226 §4, R6: at least 128 bits, 160 recommended. */
const SECRET_BYTES = 20;
const ISSUER = 'Core Auth';

/** A secret that is shown to somebody who has yet to prove that an app has it. */
export interface TotpOffer {
  /** For the form: what it holds is encrypted and bound to the person, so that nothing has to be kept meanwhile. */
  readonly envelope: string;
  /** For who types it, in groups of four. */
  readonly secret: string;
  /** For the QR code. */
  readonly uri: string;
}

interface Offered {
  /** base64url */
  readonly secret: string;
  /** milliseconds */
  readonly until: number;
}

const offerContext = (userId: string) => `totp-offer:${userId}`;

/** The setting up of an authenticator app, confirmed by its first code. */
@Injectable()
export class TotpEnrolment {
  constructor(
    private readonly encryption: KeyEncryption,
    private readonly factors: TotpRepository,
    private readonly clock: Clock,
  ) {}

  offer(owner: FactorOwner): TotpOffer {
    const until = addSeconds(this.clock.now(), OFFER_SECONDS).getTime();
    const offered: Offered = { secret: randomSecret(SECRET_BYTES), until };
    const envelope = this.encryption.encrypt(
      Buffer.from(JSON.stringify(offered)),
      offerContext(owner.userId),
    );
    return shown(owner, envelope, offered);
  }

  /** The offer that a form brings back; undefined when it is none of this person's, or too old. */
  reopen(owner: FactorOwner, envelope: string): TotpOffer | undefined {
    const offered = this.opened(owner, envelope);
    return offered && shown(owner, envelope, offered);
  }

  /** @returns whether the code was right; the app is then a factor of the account */
  async confirm(owner: FactorOwner, envelope: string, typed: string, by: Actor): Promise<boolean> {
    const offered = this.opened(owner, envelope);
    const code = readTotpCode(typed);
    if (!offered || code === undefined) return false;
    const secret = Buffer.from(offered.secret, 'base64url');
    const step = matchingStep(secret, code, this.clock.now());
    if (step === undefined) return false;
    await this.factors.put(owner, secret, step, by);
    return true;
  }

  private opened({ userId }: FactorOwner, envelope: string): Offered | undefined {
    try {
      const text = this.encryption.decrypt(envelope, offerContext(userId)).toString();
      const offered = JSON.parse(text) as Offered;
      return offered.until > this.clock.now().getTime() ? offered : undefined;
    } catch {
      return undefined;
    }
  }
}

function shown({ email }: FactorOwner, envelope: string, { secret }: Offered): TotpOffer {
  const bytes = Buffer.from(secret, 'base64url');
  return {
    envelope,
    secret: base32(bytes).replace(/(.{4})(?=.)/g, '$1 '),
    uri: totpUri(ISSUER, email, bytes),
  };
}
