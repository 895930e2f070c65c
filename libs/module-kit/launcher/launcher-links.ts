import { LRUCache } from 'lru-cache';
import { KitClock } from '../clock.js';
import type { Principal } from '../guards/principal.js';
import { CoreAuthClient } from '../http/core-auth.client.js';
import { SingleFlight } from '../http/single-flight.js';

/** Another module that a person may go to. */
export interface LauncherLink {
  key: string;
  name: string;
  /** Starts the module's sign-in, which passes through without a question. */
  url: string;
  /** False: the organization has no license for it; the link leads to who to ask. */
  licensed: boolean;
}

const REMEMBERED_MS = 30_000;
/** After a failure no page waits for the launcher again for this long. */
const FAILURE_REMEMBERED_MS = 3000;

/** The other modules of a person's organization, for a module's header. */
export class LauncherLinks {
  private readonly cache: LRUCache<string, readonly LauncherLink[]>;
  private readonly flights = new SingleFlight<readonly LauncherLink[]>();

  constructor(
    private readonly client: CoreAuthClient,
    clock: KitClock,
  ) {
    this.cache = new LRUCache({
      max: 5000,
      ttl: REMEMBERED_MS,
      ttlResolution: 0,
      perf: { now: () => clock.elapsed() },
    });
  }

  /** Empty when Core Auth does not answer: a header without links is better than no page. */
  async of(principal: Principal): Promise<readonly LauncherLink[]> {
    const key = `${principal.organization?.id ?? ''} ${principal.subject}`;
    const known = this.cache.get(key);
    if (known) return known;
    return this.flights.run(key, async () => {
      try {
        const links = readLinks(await this.client.launcher(principal.accessToken));
        this.cache.set(key, links);
        return links;
      } catch {
        this.cache.set(key, [], { ttl: FAILURE_REMEMBERED_MS });
        return [];
      }
    });
  }

  /** The catalog changed. */
  forgetAll(): void {
    for (const key of this.cache.keys()) this.flights.forget(key);
    this.cache.clear();
  }

  /** The organization's licenses changed. */
  forget(organizationId: string): void {
    for (const key of this.cache.keys()) {
      if (!key.startsWith(`${organizationId} `)) continue;
      this.cache.delete(key);
      this.flights.forget(key);
    }
  }
}

/** Reads the answer of `GET /v1/launcher`; an entry that is none is left out. */
function readLinks(answer: unknown): LauncherLink[] {
  const modules = (answer as { modules?: unknown } | null)?.modules;
  if (!Array.isArray(modules)) return [];
  return modules.flatMap((module: unknown) => {
    const { key, name, url, licensed } = (module ?? {}) as Record<string, unknown>;
    if (typeof key !== 'string' || typeof name !== 'string' || typeof url !== 'string') return [];
    if (!/^https?:\/\//.test(url)) return [];
    return [{ key, name, url: `${url.replace(/\/+$/, '')}/auth/sign-in`, licensed: licensed === true }];
  });
}
