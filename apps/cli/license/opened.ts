import { LicenseRepository, OfflineGrantRepository, OfflineLicenses } from '#licensing';
import { Clock, KeyEncryption, type Configuration } from '#platform';
import { KeyRepository, KeyRotation, LicenseKeys } from '#tokens';
import { withDatabase } from '../opened-database.js';

/** What the commands work with that need the server's database and keys. */
export interface Opened {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly grants: OfflineGrantRepository;
  readonly offline: OfflineLicenses;
  readonly keys: LicenseKeys;
  readonly rotation: KeyRotation;
  readonly encryption: KeyEncryption;
}

/** Opens the server's database for `work`, and closes it again. */
export async function withServer<T>(
  env: NodeJS.ProcessEnv,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  return withDatabase(env, ({ database, configuration }) => {
    const clock = new Clock();
    const encryption = new KeyEncryption(configuration.keyEncryptionKeys);
    const stored = new KeyRepository(database);
    const keys = new LicenseKeys(stored, encryption, clock);
    const grants = new OfflineGrantRepository(database);
    const offline = new OfflineLicenses(grants, new LicenseRepository(database), keys, configuration, clock);
    const rotation = new KeyRotation(stored, encryption, clock);
    return work({ configuration, clock, grants, offline, keys, rotation, encryption });
  });
}
