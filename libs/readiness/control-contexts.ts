import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { AddressInfo } from 'node:net';
import { AccountRepository, BrowserSealer, PasswordHasher } from '#accounts';
import { ClientRepository } from '#oauth';
import { Clock, Configuration, Database, instanceId, KeyEncryption, RedisConnection } from '#platform';
import { LockoutRepository } from '#sessions';
import { AccessTokens, KeyRing } from '#tokens';
import { readBuildManifest } from './build-manifest.js';
import type { ControlContext } from './control-context.js';
import { DatabaseEvidence } from './controls/config/database.repository.js';
import { SecurityEvidence } from './controls/security/security.repository.js';
import { HttpProbe } from './http-probe.js';
import { ProbeFlows } from './probe-flows.js';
import { ProbeIdentity } from './probe-identity.js';
import { ProbeIdentityRepository } from './probe-identity.repository.js';
import { Vitals } from './vitals.js';

/** Gathers what controls look at from the running application. */
@Injectable()
export class ControlContexts {
  readonly instance = instanceId;
  readonly vitals: Vitals;
  private readonly http = new HttpProbe();
  private readonly identity: ProbeIdentity;
  private readonly evidence: { database: DatabaseEvidence; security: SecurityEvidence };
  private readonly manifest = readBuildManifest();

  constructor(
    private readonly configuration: Configuration,
    private readonly clock: Clock,
    database: Database,
    private readonly redis: RedisConnection,
    private readonly keyEncryption: KeyEncryption,
    private readonly keyRing: KeyRing,
    private readonly accessTokens: AccessTokens,
    private readonly lockout: LockoutRepository,
    accounts: AccountRepository,
    passwords: PasswordHasher,
    clients: ClientRepository,
    browsers: BrowserSealer,
    private readonly host: HttpAdapterHost,
  ) {
    const rows = new ProbeIdentityRepository(database);
    this.identity = new ProbeIdentity({ accounts, clients, rows }, passwords, clock);
    this.evidence = {
      database: new DatabaseEvidence(database),
      security: new SecurityEvidence(database, browsers),
    };
    this.vitals = new Vitals(this.evidence.database, redis);
  }

  current(): ControlContext {
    const { configuration, clock, keyEncryption, keyRing, redis, accessTokens, lockout, vitals, http } = this;
    return {
      configuration,
      clock,
      keyEncryption,
      keyRing,
      redis,
      accessTokens,
      lockout,
      vitals,
      http,
      ...this.evidence,
      probeRows: this.identity.rows,
      flows: async (signal) => new ProbeFlows(http, configuration.issuer, await this.identity.get(), signal),
      instance: this.instance,
      env: process.env,
      manifest: this.manifest,
      listening: this.listening(),
    };
  }

  /** Ends the measuring and removes what the probe made. */
  async close(): Promise<void> {
    this.vitals.stop();
    await this.identity.close();
  }

  private listening(): URL | undefined {
    const server = this.host.httpAdapter.getHttpServer() as { address(): AddressInfo | string | null };
    const address = server.address();
    if (typeof address !== 'object' || address === null) return undefined;
    const anywhere = address.address === '0.0.0.0' || address.address === '::';
    const host = anywhere
      ? '127.0.0.1'
      : address.family === 'IPv6'
        ? `[${address.address}]`
        : address.address;
    return new URL(`http://${host}:${address.port}`);
  }
}
