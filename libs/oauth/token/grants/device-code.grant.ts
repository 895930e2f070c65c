import { Injectable } from '@nestjs/common';
import { Database } from '#platform';
import { OpaqueTokens } from '#tokens';
import type { Client } from '../../clients/client.js';
import {
  DeviceAuthorizationRepository,
  type PollOutcome,
} from '../../device/device-authorization.repository.js';
import {
  AccessDenied,
  AuthorizationPending,
  ExpiredToken,
  InvalidGrant,
  InvalidRequest,
  SlowDown,
  type OAuthError,
} from '../../oauth.errors.js';
import { Issuance } from '../issuance.js';
import type { TokenResponse } from '../token-response.js';
import type { TokenRequest } from '../token-request.js';

/** RFC 8628 §3.4 */
@Injectable()
export class DeviceCodeGrant {
  constructor(
    private readonly database: Database,
    private readonly devices: DeviceAuthorizationRepository,
    private readonly tokens: OpaqueTokens,
    private readonly issuance: Issuance,
  ) {}

  async handle(request: TokenRequest, client: Client, jkt: string | undefined): Promise<TokenResponse> {
    const { device_code: text, resource } = request;
    if (text === undefined) throw new InvalidRequest('device_code is missing.');
    // RFC 8628 §5.2: a guess is refused before any statement
    const code = this.tokens.read('device_code', text);
    if (!code) throw new InvalidGrant('not a device code of this server');
    const outcome = await this.devices.poll(code, client.id);
    if (outcome !== 'approved') throw errorOf(outcome);

    const prepared = await this.issuance.prepare();
    return this.issuance.seated(() =>
      this.database.transaction(async (transaction) => {
        const authorization = await this.devices.redeem({ code, client, jkt }, transaction);
        // thrown inside the transaction: a refused poll spends nothing
        if (!authorization) throw new InvalidGrant('another poll was first, or who approved it has gone');
        return prepared.issue(client, authorization, { resources: resource, jkt });
      }),
    );
  }
}

/** RFC 8628 §3.5 */
function errorOf(outcome: Exclude<PollOutcome, 'approved'>): OAuthError {
  switch (outcome) {
    case 'pending':
      return new AuthorizationPending();
    case 'slow-down':
      return new SlowDown();
    case 'expired':
      return new ExpiredToken();
    case 'denied':
      return new AccessDenied('The person did not allow it.');
    case 'gone':
      return new InvalidGrant('device code spent, removed, or of another client');
  }
}
