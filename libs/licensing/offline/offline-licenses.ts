import { Injectable } from '@nestjs/common';
import { limitToModule } from '@core-auth/module-kit/licensing';
import { LICENSE_FILE_TYPE, type LicenseFileClaims } from '@core-auth/module-kit/offline';
import { Clock, Configuration, numericDate, PublicError } from '#platform';
import { LicenseKeys, signJws } from '#tokens';
import type { By } from '../by.js';
import { LicenseRepository } from '../license.repository.js';
import { OfflineGrantRepository } from './offline-grant.repository.js';
import {
  offlineGrantProblem,
  type NewOfflineGrant,
  type OfflineGrant,
  type ReturnedGrant,
} from './offline-grant.js';

export interface IssuedLicenseFile {
  /** A JWS in compact serialization; text for a file. */
  readonly file: string;
  readonly grant: OfflineGrant;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * License files for instances without a network.
 *
 * Who may use such an instance: the file names nobody. Those who hold seats online hold none there; the instance seats
 * people of its own in the block, and releases them. A file cannot be called back: until it expires, the instance goes
 * on with it whatever happens to the license here.
 */
@Injectable()
export class OfflineLicenses {
  constructor(
    private readonly grants: OfflineGrantRepository,
    private readonly licenses: LicenseRepository,
    private readonly keys: LicenseKeys,
    private readonly configuration: Configuration,
    private readonly clock: Clock,
  ) {}

  /**
   * Sets the block aside and signs the file. Should the process end in between, the block is away without a file:
   * issuing again for the instance gives it back and takes the next.
   * @param by who does it: a user id, a client id, or a word for the process (`cli`)
   * @throws PublicError 400 `invalid_offline_grant`; 503 `no_license_key`; and those of `OfflineGrantRepository.grant`
   */
  async issue(request: NewOfflineGrant, by: By): Promise<IssuedLicenseFile> {
    const problem = offlineGrantProblem(request, this.clock.now());
    if (problem) throw new PublicError(400, 'invalid_offline_grant', problem);
    if (!UUID.test(request.licenseId)) {
      throw new PublicError(404, 'unknown_license', 'There is no such license.');
    }
    const key = await this.keys.signer();
    if (!key) {
      throw new PublicError(
        503,
        'no_license_key',
        'There is no license key yet: a server makes it when it starts.',
      );
    }
    const grant = await this.grants.grant(request, by);
    const claims = await this.claims(grant);
    return { file: signJws(key, LICENSE_FILE_TYPE, claims), grant };
  }

  /**
   * Gives the block of a file back.
   * @param jti of the file
   * @param licenseId of which it has to be, when it matters
   * @throws PublicError 404 `unknown_grant`; 409 `grant_superseded`, `grant_returned`
   */
  async return(jti: string, by: By, licenseId: string | null = null): Promise<ReturnedGrant> {
    if (!UUID.test(jti)) throw new PublicError(404, 'unknown_grant', 'No license file has this jti.');
    return this.grants.return(jti, by, licenseId);
  }

  private async claims(grant: OfflineGrant): Promise<LicenseFileClaims> {
    const snapshot = await this.licenses.snapshot(grant.organizationId);
    if (!snapshot) throw new Error('an organization vanished that a license file was issued for');
    const limited = limitToModule(snapshot, grant.moduleKey);
    const issuedAt = numericDate(grant.issuedAt);
    return {
      iss: this.configuration.issuer,
      aud: grant.instance,
      sub: grant.organizationId,
      jti: grant.id,
      iat: issuedAt,
      nbf: issuedAt,
      exp: numericDate(grant.expiresAt),
      seq: grant.sequence,
      seat_block: grant.seatBlock,
      license: {
        ...limited,
        licenses: limited.licenses
          .filter(({ id }) => id === grant.licenseId)
          .map((license) => ({ ...license, seats: [], offlineBlocks: [] })),
      },
    };
  }
}
