export { Cache } from './cache/cache.js';
export { RedisConnection, RedisUnavailable } from './cache/redis-connection.js';
export { Configuration, ConfigurationError, settings, type Environment } from './config/configuration.js';
export { readEnvironment, unknownSettings, type RawSetting } from './config/read-environment.js';
export type { SettingDescription } from './config/setting.js';
export { KeyEncryption, type KeyEncryptionKey } from './crypto/key-encryption.js';
export { equalInConstantTime, randomSecret, randomUUID, sha256 } from './crypto/random.js';
export {
  Database,
  dataSourceOptions,
  openDatabase,
  type Migrations,
  type Transaction,
} from './database/database.js';
export { sql, type Statement } from './database/sql.js';
export { parseForm, type FormFields } from './http/form.js';
export { PublicError, type PublicErrorOptions } from './http/public-error.js';
export {
  ClientAuthentication,
  CurrentClient,
  CurrentSession,
  CurrentToken,
  Public,
  RequireScope,
  RequireScopeInProduction,
  RequireSession,
  ROUTE_POLICY,
  type RoutePolicy,
} from './http/route-policy.js';
export { instanceId } from './instance.js';
export { PlatformModule } from './platform.module.js';
export { addSeconds, Clock, numericDate } from './time/clock.js';
