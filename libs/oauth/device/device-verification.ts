import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Configuration, PublicError, randomSecret, randomUUID } from '#platform';
import type { Session } from '#sessions';
import { audienceOf, isForAccountAlone, type Audience } from '../audience.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { MAX_LIFETIME, type Client } from '../clients/client.js';
import { IssuancePolicy, type Refusal } from '../issuance-policy.js';
import { ModuleDirectory } from '../module-directory.js';
import { scopesForRole } from '../role-policy.js';
import { DeviceAuthorizationRepository } from './device-authorization.repository.js';
import { formatUserCode, readUserCode } from './user-code.js';
import { UserCodeGuessRepository } from './user-code-guess.repository.js';

/** What a device waits for, as the person who let it in would grant it. */
export interface DeviceRequest {
  readonly id: string;
  /** `XXXX-XXXX` */
  readonly userCode: string;
  readonly client: Client;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly createdAt: Date;
}

export type DeviceSearch =
  | { readonly kind: 'found'; readonly request: DeviceRequest }
  /** Unknown, expired or used: the person is not told which (RFC 8628 §5.1). */
  | { readonly kind: 'wrong-code' }
  | { readonly kind: 'too-many-codes'; readonly until: Date }
  /** It asks for more than an account, and the person acts for no organization. */
  | { readonly kind: 'needs-organization' };

/** What the person decides on the verification page (RFC 8628 §3.3). */
@Injectable()
export class DeviceVerification {
  constructor(
    private readonly devices: DeviceAuthorizationRepository,
    private readonly guesses: UserCodeGuessRepository,
    private readonly clients: ClientDirectory,
    private readonly modules: ModuleDirectory,
    private readonly issuance: IssuancePolicy,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /** @throws PublicError 403 when the role of the person allows nothing of what the device asks for */
  async find(text: string | undefined, session: Session): Promise<DeviceSearch> {
    const userCode = readUserCode(text);
    if (userCode === undefined) return { kind: 'wrong-code' };
    const until = await this.guesses.begin(session.userId);
    if (until) return { kind: 'too-many-codes', until };
    const device = await this.devices.findPending(userCode);
    const client = device && (await this.clients.find(device.clientId));
    if (!device || !client) return { kind: 'wrong-code' };
    await this.guesses.takeBack(session.userId);

    const kept = device.scopes.filter((scope) => client.scopes.includes(scope));
    const { organization } = session;
    if (!organization) {
      const audience = await this.audience(client, kept, device.resources);
      if (!isForAccountAlone(audience, this.configuration.issuer, kept))
        return { kind: 'needs-organization' };
    }
    const scopes = scopesForRole(await this.modules.all(), kept, organization ?? null);
    if (scopes.length === 0 && device.scopes.length > 0) {
      throw new PublicError(403, 'access_denied', 'Your role allows nothing of what this device asks for.');
    }
    return { kind: 'found', request: { ...device, scopes, client, userCode: formatUserCode(userCode) } };
  }

  /**
   * The license that stands in the way of this request, or undefined when none does. Takes no seat: at first use the
   * device's poll does.
   */
  async refusal(
    { client, scopes, resources }: DeviceRequest,
    { organization, userId }: Session,
  ): Promise<Refusal | undefined> {
    if (!organization) return undefined;
    const { modules } = await this.audience(client, scopes, resources);
    return this.issuance.prospect(modules, organization, userId);
  }

  private async audience(
    client: Client,
    scopes: readonly string[],
    resources: readonly string[],
  ): Promise<Audience> {
    const context = { all: await this.modules.all(), issuer: this.configuration.issuer };
    return audienceOf(context, client, scopes, resources);
  }

  async approve(
    { id, client, scopes }: DeviceRequest,
    session: Session,
  ): Promise<'approved' | 'session-ended' | 'gone'> {
    const lifetime = Math.min(client.refreshTokenSeconds, MAX_LIFETIME.refreshToken);
    return this.devices.approve({
      deviceId: id,
      authorizationId: randomUUID(),
      rowSecret: Buffer.from(randomSecret(16), 'base64url'),
      session,
      organizationId: session.organization?.id ?? null,
      scopes,
      expiresAt: addSeconds(this.clock.now(), lifetime),
    });
  }

  /** @returns false when there was nothing to deny any more */
  async deny({ id }: DeviceRequest, session: Session): Promise<boolean> {
    return this.devices.deny(id, session);
  }
}
