import { ArrayMaxSize, IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { ProtectionSettings } from './protection-settings.js';
import { Setting } from './setting.js';

/** What clients may do by themselves, and what is announced to them. */
export abstract class ClientSettings extends ProtectionSettings {
  @Setting('CORE_AUTH_REGISTRATION', {
    description:
      'Who may register clients by themselves (RFC 7591): `closed` nobody, `token` who has an initial access token (`registration-token create`), `open` anybody. `npm start` sets `open` in development, while it listens on this machine alone.',
    default: 'closed',
  })
  @IsIn(['closed', 'token', 'open'], { message: 'must be closed, token or open' })
  registration: 'closed' | 'token' | 'open' = 'closed';

  @Setting('CORE_AUTH_REGISTRATION_SCOPES', {
    description:
      'Scopes, separated by spaces, that a client which registered itself, or has a metadata document, may have. `npm start` adds those of the modules in development.',
    default: '`openid profile email offline_access`',
  })
  @Matches(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/, {
    message: 'must be scopes separated by single spaces',
  })
  registrationScopes = 'openid profile email offline_access';

  @Setting('CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS', {
    description:
      'Whether a client may be known by the https URL of a document that describes it, without any registration: `on` or `off`. `npm start` sets `on` in development, while it listens on this machine alone.',
    default: 'off',
  })
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  clientIdMetadataDocuments: 'on' | 'off' = 'off';

  @Setting('CORE_AUTH_LICENSE_ENDING_DAYS', {
    description:
      'Days before the end of a license, separated by commas, at which `license-ending` is announced; at most 10 of them.',
    default: '14,7,1',
  })
  @ArrayMaxSize(10, { message: 'must be at most 10 numbers' })
  @IsInt({ each: true, message: 'must be whole numbers separated by commas' })
  @Min(1, { each: true, message: 'must be 1 to 365 each' })
  @Max(365, { each: true, message: 'must be 1 to 365 each' })
  licenseEndingDays: readonly number[] = [14, 7, 1];
}
