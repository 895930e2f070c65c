import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { LicenseSnapshot } from '@core-auth/module-kit/licensing';
import { LRUCache } from 'lru-cache';
import { EventStream, type OutboxEvent } from '#events';
import { LicenseRepository } from './license.repository.js';

const MOST_ORGANIZATIONS = 5000;

/** This node's snapshots, dropped when the event stream says that something changed. */
@Injectable()
export class LicenseSnapshots implements OnModuleInit, OnModuleDestroy {
  private readonly cached = new LRUCache<string, LicenseSnapshot>({ max: MOST_ORGANIZATIONS });
  private readonly loading = new Map<string, Promise<LicenseSnapshot | undefined>>();
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly licenses: LicenseRepository,
    private readonly stream: EventStream,
  ) {}

  onModuleInit(): void {
    const ends = [
      this.stream.subscribe((event) => this.hear(event)),
      this.stream.whenHistoryEnds(() => this.invalidateAll()),
    ];
    this.unsubscribe = () => ends.forEach((end) => end());
  }

  onModuleDestroy(): void {
    this.unsubscribe();
  }

  /** The organization's snapshot, at most as old as the event stream is late; undefined when it does not exist. */
  async current(organizationId: string): Promise<LicenseSnapshot | undefined> {
    const known = this.stream.isCurrent() ? this.cached.get(organizationId) : undefined;
    return known ?? this.load(organizationId);
  }

  /** As `current`, for who has just read in the database that the version is at least `version`. */
  async atLeast(organizationId: string, version: number): Promise<LicenseSnapshot | undefined> {
    const known = this.cached.get(organizationId);
    if (known && known.version >= version) return known;
    const joined = await this.load(organizationId);
    // a load that was under way may have begun before the change
    return joined && joined.version < version ? this.reload(organizationId) : joined;
  }

  invalidate(organizationId: string): void {
    this.cached.delete(organizationId);
    this.loading.delete(organizationId);
  }

  invalidateAll(): void {
    this.cached.clear();
    this.loading.clear();
  }

  private hear({ kind, subject, organizationId }: OutboxEvent): void {
    if (kind === 'license-changed' || kind === 'organization-changed') this.invalidate(subject);
    if ((kind === 'seat-assigned' || kind === 'seat-released') && organizationId !== null) {
      this.invalidate(organizationId);
    }
    if (kind === 'catalog-changed') this.invalidateAll();
  }

  /** One load per organization at a time, shared by all who ask meanwhile. */
  private load(organizationId: string): Promise<LicenseSnapshot | undefined> {
    return this.loading.get(organizationId) ?? this.reload(organizationId);
  }

  private reload(organizationId: string): Promise<LicenseSnapshot | undefined> {
    // while the stream is silent nothing would drop what is kept now
    const keep = this.stream.isCurrent();
    const load: Promise<LicenseSnapshot | undefined> = this.licenses.snapshot(organizationId).then(
      (loaded) => {
        // forgotten meanwhile: it may have been read before the change that made us forget
        const valid = this.finish(organizationId, load);
        return loaded && keep && valid ? this.keepNewest(organizationId, loaded) : loaded;
      },
      (error: unknown) => {
        this.finish(organizationId, load);
        throw error;
      },
    );
    this.loading.set(organizationId, load);
    return load;
  }

  /** @returns whether this was still the organization's load */
  private finish(organizationId: string, load: Promise<LicenseSnapshot | undefined>): boolean {
    return this.loading.get(organizationId) === load && this.loading.delete(organizationId);
  }

  private keepNewest(organizationId: string, loaded: LicenseSnapshot): LicenseSnapshot {
    const known = this.cached.get(organizationId);
    if (known && known.version > loaded.version) return known;
    this.cached.set(organizationId, loaded);
    return loaded;
  }
}
