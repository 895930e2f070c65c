import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Cache } from './cache/cache.js';
import { RedisConnection } from './cache/redis-connection.js';
import { Configuration } from './config/configuration.js';
import { KeyEncryption } from './crypto/key-encryption.js';
import { KeyedDigest } from './crypto/keyed-digest.js';
import { Database, dataSourceOptions, type Migrations } from './database/database.js';
import { OutboundHttp } from './http/outbound.js';
import { MailSealer } from './mail/mail-sealer.js';
import { Clock } from './time/clock.js';

@Global()
@Module({})
export class PlatformModule {
  static with(
    configuration: Configuration,
    migrations: Migrations = [],
    clock: Clock = new Clock(),
  ): DynamicModule {
    return {
      module: PlatformModule,
      imports: [
        TypeOrmModule.forRoot({
          ...dataSourceOptions(configuration, migrations),
          // the first failure is said at once; trying again is the supervisor's business
          retryAttempts: 1,
        }),
      ],
      providers: [
        { provide: Configuration, useValue: configuration },
        { provide: Clock, useValue: clock },
        { provide: KeyEncryption, useFactory: () => new KeyEncryption(configuration.keyEncryptionKeys) },
        { provide: KeyedDigest, useFactory: () => new KeyedDigest(configuration.keyEncryptionKeys) },
        MailSealer,
        { provide: Database, inject: [DataSource], useFactory: (source: DataSource) => new Database(source) },
        { provide: OutboundHttp, useFactory: () => new OutboundHttp(configuration.outboundNetworks) },
        { provide: RedisConnection, useFactory: () => new RedisConnection(configuration.redisUrl) },
        {
          provide: Cache,
          inject: [RedisConnection],
          useFactory: (redis: RedisConnection) => new Cache(redis),
        },
      ],
      exports: [
        Configuration,
        Clock,
        KeyEncryption,
        KeyedDigest,
        MailSealer,
        Database,
        OutboundHttp,
        RedisConnection,
        Cache,
      ],
    };
  }
}
