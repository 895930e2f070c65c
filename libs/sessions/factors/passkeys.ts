import { Injectable } from '@nestjs/common';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import type { Actor } from '#observability';
import { Configuration, randomSecret } from '#platform';
import { passkeyMethods, type FactorOwner, type PasskeyRefusal } from './factor.js';
import { PasskeyRepository, type Credential } from './passkey.repository.js';
import {
  challengeOf,
  isPlainAttestation,
  knownTransports,
  readAssertion,
  readAttestation,
} from './webauthn-response.js';
import { CHALLENGE_SECONDS, WebAuthnChallengeRepository } from './webauthn-challenge.repository.js';

/** Web Authentication §5.1: 1023 bytes, as base64url. */
const LONGEST_CREDENTIAL_ID = 1364;

/** Shown by the browser while a passkey is made. */
const RP_NAME = 'Core Auth';

export type PasskeyProof =
  | {
      readonly kind: 'proven';
      readonly owner: FactorOwner;
      /** RFC 8176 */
      readonly methods: readonly string[];
    }
  | PasskeyRefusal;

export type PasskeyRegistration =
  /** `methods` (RFC 8176): what its owner has proven by it */
  { readonly kind: 'added'; readonly methods: readonly string[] } | { readonly kind: 'refused' | 'too-many' };

/** Passkeys (Web Authentication §7): every ceremony is for one browser, and its challenge is used once. */
@Injectable()
export class Passkeys {
  private readonly origin: string;
  private readonly rpID: string;

  constructor(
    private readonly passkeys: PasskeyRepository,
    private readonly challenges: WebAuthnChallengeRepository,
    configuration: Configuration,
  ) {
    const { origin, hostname } = new URL(configuration.issuer);
    this.origin = origin;
    this.rpID = hostname;
  }

  async registrationOptions(
    owner: FactorOwner & { readonly name: string },
    browser: Buffer,
  ): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const options = await generateRegistrationOptions({
      rpName: RP_NAME,
      rpID: this.rpID,
      userID: new Uint8Array(Buffer.from(owner.userId)),
      userName: owner.email,
      userDisplayName: owner.name,
      challenge: newChallenge(),
      timeout: CHALLENGE_SECONDS * 1000,
      excludeCredentials: await this.descriptors(owner.userId),
      // discoverable and verified, so that it can be the only factor too
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    await this.challenges.keep(options.challenge, { browser, purpose: 'register', userId: owner.userId });
    return options;
  }

  async register(
    owner: FactorOwner,
    name: string,
    presented: { readonly response: string; readonly browser: Buffer },
    by: Actor,
  ): Promise<PasskeyRegistration> {
    const response = readAttestation(presented.response);
    const challenge = response && challengeOf(response.response.clientDataJSON);
    if (!response || challenge === undefined) return { kind: 'refused' };
    const { browser } = presented;
    const context = { browser, purpose: 'register', userId: owner.userId } as const;
    if (!(await this.challenges.spend(challenge, context))) return { kind: 'refused' };
    if (!isPlainAttestation(response)) return { kind: 'refused' };
    const verified = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: this.origin,
      expectedRPID: this.rpID,
      requireUserVerification: true,
    }).catch(() => undefined);
    if (!verified?.verified) return { kind: 'refused' };
    const { credential, credentialDeviceType } = verified.registrationInfo;
    // Web Authentication §7.1: what the authenticator signed is what is kept
    if (credential.id !== response.id || credential.id.length > LONGEST_CREDENTIAL_ID)
      return { kind: 'refused' };
    const synced = credentialDeviceType === 'multiDevice';
    const added = await this.passkeys.add(
      owner,
      {
        credentialId: credential.id,
        publicKey: credential.publicKey,
        signatureCount: credential.counter,
        transports: knownTransports(response.response.transports),
        synced,
        name,
      },
      by,
    );
    return added ? { kind: 'added', methods: passkeyMethods({ synced }) } : { kind: 'too-many' };
  }

  /** For signing in without saying who: the authenticator knows its accounts. */
  async signInOptions(browser: Buffer): Promise<PublicKeyCredentialRequestOptionsJSON> {
    return this.requestOptions(browser, null);
  }

  /** For one of the passkeys of a person who is known. */
  async secondFactorOptions(userId: string, browser: Buffer): Promise<PublicKeyCredentialRequestOptionsJSON> {
    return this.requestOptions(browser, userId);
  }

  /**
   * @param userId of who is known already and adds a second factor; null for who signs in with the passkey alone, which
   * then has to verify its user (RFC 8176 §2, `mfa`)
   */
  async prove(
    presented: { readonly response: string; readonly browser: Buffer; readonly address: string },
    userId: string | null,
  ): Promise<PasskeyProof> {
    const { browser, address } = presented;
    const response = readAssertion(presented.response);
    const challenge = response && challengeOf(response.response.clientDataJSON);
    if (!response || challenge === undefined) return refusal('unreadable');
    const purpose = userId === null ? 'sign-in' : 'second-factor';
    if (!(await this.challenges.spend(challenge, { browser, purpose, userId }))) return refusal('challenge');
    const credential = await this.passkeys.find(response.id);
    if (!credential || (userId !== null && credential.userId !== userId)) return refusal('unknown');
    const verified = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: this.origin,
      expectedRPID: this.rpID,
      requireUserVerification: userId === null,
      // the counter is compared by the statement that notes the use, so that simultaneous uses are seen too
      credential: {
        id: credential.credentialId,
        publicKey: new Uint8Array(credential.publicKey),
        counter: 0,
      },
    }).catch(() => undefined);
    if (!verified?.verified) return refusal('signature', credential);
    const methods = [...passkeyMethods(credential), ...(userId === null ? ['user', 'mfa'] : [])];
    const by = { id: credential.userId, address, factor: methods.join(' ') };
    const used = await this.passkeys.use(credential, verified.authenticationInfo.newCounter, by);
    return used ? { kind: 'proven', owner: ownerOf(credential), methods } : refusal('counter', credential);
  }

  private async requestOptions(
    browser: Buffer,
    userId: string | null,
  ): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const options = await generateAuthenticationOptions({
      rpID: this.rpID,
      challenge: newChallenge(),
      timeout: CHALLENGE_SECONDS * 1000,
      userVerification: userId === null ? 'required' : 'preferred',
      ...(userId === null ? {} : { allowCredentials: await this.descriptors(userId) }),
    });
    const purpose = userId === null ? 'sign-in' : 'second-factor';
    await this.challenges.keep(options.challenge, { browser, purpose, userId });
    return options;
  }

  private async descriptors(userId: string): Promise<{ id: string; transports: string[] }[]> {
    const credentials = await this.passkeys.of(userId);
    return credentials.map(({ credentialId, transports }) => ({
      id: credentialId,
      transports: [...transports],
    }));
  }
}

function newChallenge() {
  return new Uint8Array(Buffer.from(randomSecret(), 'base64url'));
}

function refusal(reason: PasskeyRefusal['reason'], credential?: Credential): PasskeyRefusal {
  return { kind: 'refused', reason, userId: credential?.userId };
}

function ownerOf({ userId, email }: Credential): FactorOwner {
  return { userId, email };
}
