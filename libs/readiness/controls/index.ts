import type { Control } from '../control.js';
import { connectTimeout } from './config/connect-timeout.control.js';
import { coreAuthUrl } from './config/core-auth-url.control.js';
import { databaseUrl } from './config/database-url.control.js';
import { indexes } from './config/indexes.control.js';
import { jwtSecret } from './config/jwt-secret.control.js';
import { loadBalancer, scaledLoadBalancer } from './config/load-balancer.control.js';
import { migrationsReady, migrationsTested } from './config/migrations.control.js';
import { moduleUrls, oauthClientId, oauthClientSecret } from './config/modules.control.js';
import { cdn, dns, domain, tlsCertificates } from './config/network.control.js';
import { nodeEnv } from './config/node-env.control.js';
import { pool } from './config/pool.control.js';
import { queryTimeout } from './config/query-timeout.control.js';
import { redisConnection } from './config/redis-connection.control.js';
import { redisExpiry, redisMemory, redisPersistence, redisPool } from './config/redis-limits.control.js';
import { redisUrl } from './config/redis-url.control.js';
import { environment } from './deploy/environment.control.js';
import { health } from './deploy/health.control.js';
import { logLevels, logRotation } from './monitoring/log.control.js';
import { network } from './performance/network.control.js';
import { autoScaling, cpu, memory } from './performance/process.control.js';
import { strict } from './quality/strict.control.js';
import { accountLockout } from './security/account-lockout.control.js';
import { clientCredentials } from './security/client-credentials.control.js';
import { codeExpiry } from './security/code-expiry.control.js';
import { cors } from './security/cors.control.js';
import { csrfState } from './security/csrf-state.control.js';
import { databaseCredentials } from './security/database-credentials.control.js';
import { encryptedAtRest } from './security/encrypted-at-rest.control.js';
import { httpsEnforced } from './security/https-enforced.control.js';
import { passwordRequirements } from './security/password-requirements.control.js';
import { rateLimiting } from './security/rate-limiting.control.js';
import { redirectUri } from './security/redirect-uri.control.js';
import { redisCredentials } from './security/redis-credentials.control.js';
import { refreshRotation } from './security/refresh-rotation.control.js';
import { revocation } from './security/revocation.control.js';
import { scopeValidation } from './security/scope-validation.control.js';
import { secretsStored } from './security/secrets-stored.control.js';
import { secureCookies } from './security/secure-cookies.control.js';
import { sessionTimeout } from './security/session-timeout.control.js';
import { tokenExpiry } from './security/token-expiry.control.js';
import { xss } from './security/xss.control.js';

/** Every control, in the checklist's order. An item that is not here is `unknown` until somebody measures it. */
export const controls: readonly Control[] = [
  // security.auth.*
  httpsEnforced,
  secureCookies,
  tokenExpiry,
  csrfState,
  rateLimiting,
  passwordRequirements,
  accountLockout,
  sessionTimeout,
  // security.data.*
  xss,
  cors,
  encryptedAtRest,
  secretsStored,
  databaseCredentials,
  redisCredentials,
  // security.oauth.*
  clientCredentials,
  codeExpiry,
  refreshRotation,
  revocation,
  scopeValidation,
  redirectUri,
  // config.env.*
  coreAuthUrl,
  oauthClientId,
  oauthClientSecret,
  databaseUrl,
  redisUrl,
  jwtSecret,
  nodeEnv,
  moduleUrls,
  // config.db.*
  pool,
  connectTimeout,
  queryTimeout,
  indexes,
  migrationsTested,
  // config.redis.*
  redisConnection,
  redisPool,
  redisExpiry,
  redisMemory,
  redisPersistence,
  // config.net.*
  domain,
  tlsCertificates,
  dns,
  loadBalancer,
  cdn,
  // monitoring.log.*
  logLevels,
  logRotation,
  // deploy.*
  migrationsReady,
  environment,
  health,
  // quality.code.*
  strict,
  // performance.*
  memory,
  cpu,
  network,
  scaledLoadBalancer,
  autoScaling,
];
