import { KitClock } from '../clock.js';
import { EventListener } from '../events/event-listener.js';
import { Revocations } from '../events/revocations.js';
import { StreamHealth } from '../events/stream-health.js';
import { BearerGate } from '../guards/bearer-gate.js';
import type { Principal } from '../guards/principal.js';
import { ModuleHealth } from '../health/module-health.js';
import type { HealthSnapshot } from '../health/health-snapshot.js';
import { CoreAuthClient } from '../http/core-auth.client.js';
import type { KitCall } from '../http/http-types.js';
import { LauncherLinks } from '../launcher/launcher-links.js';
import { SeatLeases } from '../leases/seat-leases.js';
import { DecisionCounts } from '../licenses/decision-counts.js';
import { LicenseChecker, type LicenseQuestion } from '../licenses/license-checker.js';
import { SnapshotCache } from '../licenses/snapshot-cache.js';
import type { Decision } from '../licensing/index.js';
import { standardError, type KitLogs } from '../log.js';
import { resolveOptions, type ModuleKitOptions, type ResolvedOptions } from '../options.js';
import { DpopProofs } from '../tokens/dpop-proofs.js';
import { KeySet } from '../tokens/key-set.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { UsageRecorder } from '../usage/usage-recorder.js';

/** What an API says about itself: of a module's options those that concern no pages and no sign-in. */
export type CoreAuthLicensesOptions = Omit<ModuleKitOptions, 'scopes' | 'pages' | 'moduleName'> & {
  /** Shown in refusals; the key when absent. */
  moduleName?: string | undefined;
};

/**
 * Tokens, licenses, metered use and floating seats in one process, without a framework. The Nest module of the kit stands
 * on this very class, so that every framework gets the same answers.
 */
export class CoreAuthLicenses {
  readonly health: ModuleHealth;
  readonly stream: StreamHealth;
  readonly tokens: TokenVerifier;
  readonly keys: KeySet;
  readonly revocations: Revocations;
  readonly bearers: BearerGate;
  readonly snapshots: SnapshotCache;
  readonly checker: LicenseChecker;
  readonly uses: UsageRecorder;
  readonly leases: SeatLeases;
  readonly launcher: LauncherLinks;
  readonly client: CoreAuthClient;
  private readonly listener: EventListener;

  /** Throws `ModuleKitOptionsError`, which names each option that is missing or wrong. */
  static with(options: CoreAuthLicensesOptions): CoreAuthLicenses {
    return new CoreAuthLicenses(resolveOptions({ ...options, scopes: ['openid'] }));
  }

  constructor(options: ResolvedOptions, clock: KitClock = new KitClock(), logs: KitLogs = standardError) {
    this.client = new CoreAuthClient(options, clock);
    this.stream = new StreamHealth(options, clock);
    this.revocations = new Revocations(clock, this.stream);
    this.keys = new KeySet(this.client, this.revocations, clock);
    this.tokens = new TokenVerifier(options, this.client, this.keys, this.revocations, this.stream, clock);
    this.bearers = new BearerGate(options, this.tokens, new DpopProofs(options, clock));
    this.snapshots = new SnapshotCache(options, this.client, this.stream, clock, logs('SnapshotCache'));
    this.leases = new SeatLeases(this.client, this.stream, clock, logs('SeatLeases'));
    const counts = new DecisionCounts();
    this.checker = new LicenseChecker(options, this.snapshots, this.leases, clock, counts);
    this.uses = new UsageRecorder(this.client, this.checker, clock);
    this.launcher = new LauncherLinks(this.client, clock);
    this.listener = new EventListener(
      options,
      this.client,
      this.stream,
      this.revocations,
      this.snapshots,
      this.launcher,
      this.leases,
      logs('EventListener'),
    );
    this.health = new ModuleHealth(
      options,
      clock,
      this.stream,
      this.tokens,
      this.client,
      this.snapshots,
      this.keys,
      this.leases,
      counts,
      logs('ModuleHealth'),
    );
  }

  /** Begins to listen to Core Auth; before it is heard, answers are asked for. */
  start(): void {
    this.listener.start();
    this.leases.start();
    this.health.start();
  }

  /**
   * Ends everything that goes on. Floating seats stay with those who hold them, since another process of the module may be
   * working for them, until nobody renews them any more.
   */
  async stop(): Promise<void> {
    this.health.stop();
    await this.listener.stop();
    this.leases.stop();
  }

  /**
   * Who is asking, by the access token of the request. Throws `ProblemException`: 401 or 400 with `WWW-Authenticate`, 503
   * `CHECK_UNAVAILABLE` when it cannot be known.
   */
  authenticate(request: KitCall): Promise<Principal> {
    return this.bearers.authenticate(request);
  }

  /** What the license says, never an exception. Takes a floating seat where that is what is missing. */
  decide(principal: Principal, question?: LicenseQuestion): Promise<Decision> {
    return this.checker.decide(principal, question);
  }

  /** Decides, and throws the refusal as a `ProblemException`. */
  require(principal: Principal, question?: LicenseQuestion): Promise<Decision> {
    return this.checker.require(principal, question);
  }

  /** How current this process is, and what it has decided. */
  stats(): HealthSnapshot {
    return this.health.snapshot();
  }
}
