import { IsArray, IsIn, IsOptional, Matches } from 'class-validator';
import type { KeyEncryptionKey } from '../crypto/key-encryption.js';
import { Setting } from './setting.js';
import { WholeNumber } from './whole-number.js';

type Environment = 'development' | 'test' | 'production';

/** What a server is, and what it reaches: its address, its database, its keys and its log. */
export abstract class ServerSettings {
  @Setting('NODE_ENV', { description: '`development`, `test` or `production`.', default: 'development' })
  @IsIn(['development', 'test', 'production'], { message: 'must be development, test or production' })
  environment: Environment = 'development';

  @Setting('HOST', {
    description: 'Address to listen on.',
    default: '127.0.0.1; in production 0.0.0.0',
  })
  @Matches(/^[0-9A-Za-z.:_-]+$/, { message: 'must be an address or a host name' })
  host = '127.0.0.1';

  @Setting('PORT', { description: 'Port to listen on.', default: '3000' })
  @WholeNumber(0, 65535)
  port = 3000;

  @Setting('CORE_AUTH_URL', {
    description:
      'The address by which browsers and modules reach the server: its issuer identifier. An origin, without path; https in production.',
    default: 'http://localhost:PORT; none in production',
    required: 'in production',
  })
  @Matches(/^https?:\/\/[^/?#\s@]+$/, {
    message: 'must be an http(s) origin without path, query, user or trailing slash',
  })
  issuer = '';

  @Setting('DATABASE_URL', {
    description:
      'PostgreSQL connection string (`postgres://user:password@host:port/database?sslmode=verify-full`).',
    secret: true,
    required: 'always',
  })
  @Matches(/^postgres(ql)?:\/\/\S+$/, { message: 'must be a postgres:// URL' })
  databaseUrl = '';

  @Setting('REDIS_URL', {
    description:
      'Redis connection string (`rediss://user:password@host:port`). Without it limits hold per process.',
    secret: true,
  })
  @IsOptional()
  @Matches(/^rediss?:\/\/\S+$/, { message: 'must be a redis:// or rediss:// URL' })
  redisUrl?: string;

  @Setting('CORE_AUTH_KEY_ENCRYPTION_KEYS', {
    description:
      'Key-encryption keys, `kid:key` separated by commas; a key is 32 random bytes in base64url. The first encrypts, all decrypt. Make one: `node -p "crypto.randomBytes(32).toString(\'base64url\')"`.',
    secret: true,
    required: 'always',
  })
  @IsArray()
  keyEncryptionKeys: readonly KeyEncryptionKey[] = [];

  @Setting('LOG_LEVEL', { description: 'trace, debug, info, warn, error, fatal or silent.', default: 'info' })
  @IsIn(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], { message: 'is not a log level' })
  logLevel = 'info';

  @Setting('CORE_AUTH_TRUSTED_PROXIES', {
    description:
      'Addresses or networks (CIDR), separated by commas, whose X-Forwarded-* headers are believed. None unless set.',
  })
  @IsArray()
  trustedProxies: readonly string[] = [];

  @Setting('CORE_AUTH_OUTBOUND_NETWORKS', {
    description:
      'Addresses or networks (CIDR), separated by commas, that are not public and may be called all the same: webhooks, back-channel logout and client metadata there may also be http. None unless set; `npm start` sets the loopback networks in development.',
  })
  @IsArray()
  outboundNetworks: readonly string[] = [];

  @Setting('CORE_AUTH_DATABASE_POOL_SIZE', { description: 'Connections per process.', default: '10' })
  @WholeNumber(2, 200)
  databasePoolSize = 10;

  @Setting('CORE_AUTH_DATABASE_CONNECT_TIMEOUT', {
    description: 'Milliseconds to wait for a connection.',
    default: '5000',
  })
  @WholeNumber(1000, 10_000)
  databaseConnectTimeout = 5000;

  @Setting('CORE_AUTH_DATABASE_STATEMENT_TIMEOUT', {
    description: 'Milliseconds a statement may take.',
    default: '5000',
  })
  @WholeNumber(100, 60_000)
  databaseStatementTimeout = 5000;

  @Setting('CORE_AUTH_DATABASE_LOCK_TIMEOUT', {
    description: 'Milliseconds to wait for a lock.',
    default: '3000',
  })
  @WholeNumber(100, 60_000)
  databaseLockTimeout = 3000;
}
