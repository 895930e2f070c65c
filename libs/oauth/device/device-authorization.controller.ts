import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsOptional, IsString, MaxLength } from 'class-validator';
import { ClientAuthentication, Configuration, CurrentClient, randomSecret, randomUUID } from '#platform';
import { OpaqueTokens } from '#tokens';
import { audienceOf } from '../audience.js';
import type { Client } from '../clients/client.js';
import { ModuleDirectory } from '../module-directory.js';
import { UnauthorizedClient } from '../oauth.errors.js';
import { requestedScopes } from '../scope.js';
import {
  DEVICE_CODE_SECONDS,
  DeviceAuthorizationRepository,
  POLLING_INTERVAL,
} from './device-authorization.repository.js';
import { formatUserCode, newUserCode } from './user-code.js';

/** RFC 8628 §3.1; others are ignored. One sent twice is no string; only `resource` may come several times. */
class DeviceAuthorizationRequest {
  @IsOptional()
  @IsString({ message: 'scope must be sent exactly once.' })
  @MaxLength(4096, { message: 'scope is too long.' })
  scope?: string;

  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value))
  @ArrayMaxSize(10, { message: 'Too many resources were asked for.' })
  @IsString({ each: true, message: 'resource must be a URI.' })
  @MaxLength(2048, { each: true, message: 'resource is too long.' })
  resource?: string[];
}

/** RFC 8628 §3.2 */
interface DeviceAuthorizationResponse {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  /** Ours: `verification_uri_complete` as a picture, for devices that show one (§3.3.1). */
  readonly verification_qr: string;
  /** seconds */
  readonly expires_in: number;
  /** seconds */
  readonly interval: number;
}

/** Device authorization requests (RFC 8628 §3.1) */
@Controller('oauth2/device_authorization')
export class DeviceAuthorizationController {
  constructor(
    private readonly devices: DeviceAuthorizationRepository,
    private readonly tokens: OpaqueTokens,
    private readonly modules: ModuleDirectory,
    private readonly configuration: Configuration,
  ) {}

  @Post()
  @HttpCode(200)
  @ClientAuthentication()
  // RFC 8628 §3.2 answers as RFC 6749 §5.1 does
  @Header('cache-control', 'no-store')
  async begin(
    @Body() { scope, resource: resources = [] }: DeviceAuthorizationRequest,
    @CurrentClient() client: Client,
  ): Promise<DeviceAuthorizationResponse> {
    if (!client.grantTypes.includes('urn:ietf:params:oauth:grant-type:device_code'))
      throw new UnauthorizedClient();
    const { issuer } = this.configuration;
    const scopes = requestedScopes(scope, client.scopes);
    // RFC 8707 §2: what no token could be issued for is refused now, before anybody is asked
    audienceOf({ all: await this.modules.all(), issuer }, client, scopes, resources);

    const id = randomUUID();
    const rowSecret = Buffer.from(randomSecret(16), 'base64url');
    let userCode = newUserCode();
    while (!(await this.devices.create({ id, rowSecret, userCode, clientId: client.id, scopes, resources })))
      userCode = newUserCode();
    const shown = formatUserCode(userCode);
    return {
      device_code: this.tokens.mint('device_code', { authorizationId: id, generation: 0, rowSecret }),
      user_code: shown,
      verification_uri: `${issuer}/device`,
      verification_uri_complete: `${issuer}/device?user_code=${shown}`,
      verification_qr: `${issuer}/device/qr?user_code=${shown}`,
      expires_in: DEVICE_CODE_SECONDS,
      interval: POLLING_INTERVAL,
    };
  }
}
