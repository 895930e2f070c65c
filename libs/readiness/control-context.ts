import type { Clock, Configuration, KeyEncryption, RedisConnection } from '#platform';
import type { LockoutRepository } from '#sessions';
import type { AccessTokens, KeyRing } from '#tokens';
import type { BuildManifest } from './build-manifest.js';
import type { DatabaseEvidence } from './controls/config/database.repository.js';
import type { SecurityEvidence } from './controls/security/security.repository.js';
import type { HttpProbe } from './http-probe.js';
import type { ProbeFlows } from './probe-flows.js';
import type { ProbeIdentityRepository } from './probe-identity.repository.js';
import type { Vitals } from './vitals.js';

/** All that a control may look at. */
export interface ControlContext {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly keyEncryption: KeyEncryption;
  readonly keyRing: KeyRing;
  readonly redis: RedisConnection;
  readonly database: DatabaseEvidence;
  readonly security: SecurityEvidence;
  readonly vitals: Vitals;
  readonly http: HttpProbe;
  /** The probe's own rows, whose times a control may move: for the probe that is the clock moving on. */
  readonly probeRows: ProbeIdentityRepository;
  readonly accessTokens: AccessTokens;
  readonly lockout: LockoutRepository;
  /** The protocol as the probe's own clients and person speak it. */
  flows(signal: AbortSignal): Promise<ProbeFlows>;
  /** Names this process among those that share the database. */
  readonly instance: string;
  /** The environment as the process got it: for where a setting came from, never for its value. */
  readonly env: NodeJS.ProcessEnv;
  /** Undefined when the code does not run from a build. */
  readonly manifest: BuildManifest | undefined;
  /** Where this very process listens, whatever stands before it; undefined until it does. */
  readonly listening: URL | undefined;
}
