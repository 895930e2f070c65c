export { Cache } from './cache/cache.js';
export { RedisConnection } from './cache/redis-connection.js';
export { Configuration, settings } from './config/configuration.js';
export { ConfigurationError } from './config/configuration-error.js';
export { readEnvironment, unknownSettings } from './config/read-environment.js';
export type { SettingDescription } from './config/setting.js';
export { KeyEncryption } from './crypto/key-encryption.js';
export { KeyedDigest } from './crypto/keyed-digest.js';
export {
  equalInConstantTime,
  isSecret,
  randomFraction,
  randomSecret,
  randomUUID,
  sha256,
} from './crypto/random.js';
export { Database, dataSourceOptions, openDatabase, type Transaction } from './database/database.js';
export { isUnavailable } from './database/unavailable.js';
export { isUniqueViolation } from './database/unique-violation.js';
export { sql, type Statement } from './database/sql.js';
export { acceptsJson, AcceptsJson } from './http/accepts-json.js';
export { limitFetches, requireFetchAllowed } from './http/caused-fetch.js';
export { API_ROUTE, JsonBody, QueryOf, type ApiRoute } from './http/api-route.js';
export { cursorOf, placeOf, type Place } from './http/cursor.js';
export { idOf } from './http/members.js';
export { parseForm, singleFields, type FormFields } from './http/form.js';
export {
  OutboundFailed,
  OutboundHttp,
  OutboundRefused,
  type OutboundAnswer,
  type OutboundRequest,
} from './http/outbound.js';
export { PublicError, type PublicErrorOptions } from './http/public-error.js';
export {
  ClientAuthentication,
  CurrentClient,
  CurrentSession,
  CurrentToken,
  Public,
  RequireAnySession,
  RequireOperatorSession,
  RequireOperatorToken,
  RequireRecentSession,
  RequireRecentToken,
  RequireScope,
  RequireScopeInProduction,
  RequireSession,
  ROUTE_POLICY,
  type RoutePolicy,
} from './http/route-policy.js';
export { routesOf, servedRoutes, type RouteAddress } from './http/served-routes.js';
export {
  INSTANT,
  listOf,
  nullable,
  objectOf,
  PROBLEM,
  UUID,
  type Answer,
  type Schema,
} from './http/schema.js';
export { parseUri, URI_CHARACTERS } from './http/uri.js';
export { toWire } from './http/wire.js';
export { instanceId } from './instance.js';
export { mailLink, type Mail } from './mail/mail.js';
export { MailNotSent, Smtp } from './mail/smtp.js';
export { mailEnvelopeContext, MailSealer, type SealedMail } from './mail/mail-sealer.js';
export { PlatformModule } from './platform.module.js';
export { Semaphore } from './semaphore.js';
export { addSeconds, Clock, numericDate } from './time/clock.js';
export { inBatches, RepeatedWork } from './time/repeated-work.js';
export { TimedLoop } from './time/timed-loop.js';
