import { Controller, Get, Header } from '@nestjs/common';
import type { JWK } from 'jose';
import { Public } from '#platform';
import { JWKS_MAX_AGE, KeyRing } from '#tokens';

/** Where whoever runs an instance without a network fetches the keys that they carry there. */
@Controller('.well-known')
export class LicenseKeysController {
  constructor(private readonly keys: KeyRing) {}

  /** A JWK Set (RFC 7517 §5) of a media type and an address of its own: nothing that verifies tokens reads it. */
  @Get('core-auth-license-keys')
  @Public()
  @Header('content-type', 'application/jwk-set+json')
  @Header('cache-control', `public, max-age=${JWKS_MAX_AGE}`)
  @Header('access-control-allow-origin', '*')
  publicKeys(): { keys: JWK[] } {
    return this.keys.licenseJwks();
  }
}
