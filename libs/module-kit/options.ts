import { defaultEnvironment } from './licensing/index.js';
import type { HealthSnapshot } from './health/health-snapshot.js';
import type { KitPages } from './pages/pages.js';
import type { DpopReplayStore } from './tokens/dpop-replay-store.js';

/** What a module says about itself; the secret comes from its own settings. */
export interface ModuleKitOptions {
  /** Issuer and public base URL of Core Auth, e.g. `https://auth.example`. */
  coreAuthUrl: string;
  /** Where this process reaches Core Auth, when that is not the public address (containers). */
  coreAuthInternalUrl?: string | undefined;
  clientId: string;
  clientSecret: string;
  /** The module's own public origin; also its resource identifier, the `aud` of its access tokens. */
  moduleUrl: string;
  /** Key that licenses and scopes name, e.g. `projects`. */
  moduleKey: string;
  /** Which environment's licenses count here (default `production`). */
  environment?: string | undefined;
  /** Shown on the kit's own pages; the key when absent. */
  moduleName?: string | undefined;
  /** Asked for at sign-in; `openid` is required. */
  scopes: readonly string[];
  /** Scopes that this module's API asks for; those of `scopes` that begin with the module's key when absent. */
  resourceScopes?: readonly string[] | undefined;
  /** Replaces the kit's own pages, in part or whole. */
  pages?: Partial<KitPages> | undefined;
  /** How long a verified allow outlives Core Auth, in seconds (default 900). */
  staleAllowanceSeconds?: number | undefined;
  /** Silence after which the event stream no longer counts, in milliseconds (default 4000: with the questions that follow, a revocation is then heard of within 5 s). */
  streamSilenceMs?: number | undefined;
  /** Time limit of one request to Core Auth, in milliseconds (default 5000). */
  requestTimeoutMs?: number | undefined;
  /** Remembers used DPoP proofs for all processes of the module; in this process alone when absent. */
  dpopReplayStore?: DpopReplayStore | undefined;
  /** Called every 10 s with how current this process is, to set gauges with. */
  onHealth?: ((health: HealthSnapshot) => void) | undefined;
}

/** Options after validation: no trailing slashes, defaults filled in. */
export interface ResolvedOptions {
  coreAuthUrl: string;
  coreAuthInternalUrl: string;
  clientId: string;
  clientSecret: string;
  moduleUrl: string;
  moduleKey: string;
  moduleName: string;
  environment: string;
  scopes: readonly string[];
  resourceScopes: readonly string[];
  pages: Partial<KitPages>;
  staleAllowanceMs: number;
  streamSilenceMs: number;
  requestTimeoutMs: number;
  dpopReplayStore: DpopReplayStore | undefined;
  onHealth: ((health: HealthSnapshot) => void) | undefined;
  /** The module is served over https: cookies are `Secure` and carry `__Host-`. */
  secure: boolean;
}

/** Injection token of `ResolvedOptions`. */
export const MODULE_KIT_OPTIONS = Symbol('MODULE_KIT_OPTIONS');

/** Names every option that is missing or wrong, in one message. */
export class ModuleKitOptionsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Module kit: ${problems.join('; ')}`);
    this.name = 'ModuleKitOptionsError';
  }
}

/** Pure validation of what `forRoot` was given; throws `ModuleKitOptionsError`. */
export function resolveOptions(options: ModuleKitOptions): ResolvedOptions {
  const problems: string[] = [];
  const coreAuthUrl = readUrl('coreAuthUrl', options.coreAuthUrl, problems);
  const moduleUrl = readUrl('moduleUrl', options.moduleUrl, problems);
  if (moduleUrl && new URL(moduleUrl).pathname !== '/') {
    problems.push('moduleUrl must be an origin without a path');
  }
  const internal = options.coreAuthInternalUrl
    ? readUrl('coreAuthInternalUrl', options.coreAuthInternalUrl, problems)
    : coreAuthUrl;
  if (!/^[A-Za-z0-9._~-]{1,128}$/.test(options.clientId ?? '')) {
    problems.push('clientId must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -');
  }
  if ((options.clientSecret ?? '').length < 32) {
    problems.push('clientSecret must have at least 32 characters');
  }
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(options.moduleKey ?? '')) {
    problems.push('moduleKey must be lower-case letters, digits and hyphens');
  }
  if (!options.scopes?.includes('openid')) problems.push('scopes must include openid');
  const staleAllowanceSeconds = readAmount(
    'staleAllowanceSeconds',
    options.staleAllowanceSeconds,
    900,
    86_400,
    problems,
  );
  const streamSilenceMs = readAmount('streamSilenceMs', options.streamSilenceMs, 4000, 60_000, problems);
  const requestTimeoutMs = readAmount('requestTimeoutMs', options.requestTimeoutMs, 5000, 60_000, problems);
  if (problems.length > 0) throw new ModuleKitOptionsError(problems);
  return {
    coreAuthUrl,
    coreAuthInternalUrl: internal,
    clientId: options.clientId,
    clientSecret: options.clientSecret,
    moduleUrl,
    moduleKey: options.moduleKey,
    moduleName: options.moduleName ?? options.moduleKey,
    environment: options.environment ?? defaultEnvironment,
    scopes: options.scopes,
    resourceScopes:
      options.resourceScopes ?? options.scopes.filter((scope) => scope.startsWith(`${options.moduleKey}:`)),
    pages: options.pages ?? {},
    staleAllowanceMs: staleAllowanceSeconds * 1000,
    streamSilenceMs,
    requestTimeoutMs,
    dpopReplayStore: options.dpopReplayStore,
    onHealth: options.onHealth,
    secure: moduleUrl.startsWith('https:'),
  };
}

function readUrl(name: string, value: string | undefined, problems: string[]): string {
  const url = URL.canParse(value ?? '') ? new URL(value ?? '') : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    problems.push(`${name} must be an http or https URL`);
    return '';
  }
  if (url.username || url.search || url.hash) {
    problems.push(`${name} must have no user name, query or fragment`);
  }
  return url.href.replace(/\/+$/, '');
}

function readAmount(
  name: string,
  value: number | undefined,
  fallback: number,
  most: number,
  problems: string[],
): number {
  if (value === undefined) return fallback;
  if (!Number.isFinite(value) || value <= 0 || value > most) {
    problems.push(`${name} must be a number above 0 and at most ${most}`);
  }
  return value;
}
