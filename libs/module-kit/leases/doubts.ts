import { LRUCache } from 'lru-cache';

const MOST = 10_000;

/** What was heard that may have ended floating seats, so that an answer from before is not taken for one after. */
export class Doubts {
  /** By `<organization>` or `<organization> <user>`: the number of the latest. */
  private readonly latest: LRUCache<string, number>;
  private count = 0;
  /** The latest that had to be forgotten: it concerns everybody. */
  private forgotten = 0;

  constructor() {
    this.latest = new LRUCache({
      max: MOST,
      dispose: (number, _key, reason) => {
        if (reason === 'evict') this.forgotten = Math.max(this.forgotten, number);
      },
    });
  }

  /** How many there have been: a question that is put now knows of them. */
  get heard(): number {
    return this.count;
  }

  /** Of a whole organization, or of one person there. */
  raise(organizationId: string, userId?: string): void {
    this.count += 1;
    this.latest.set(userId === undefined ? organizationId : `${organizationId} ${userId}`, this.count);
  }

  /** Whether any that concerns the person came after `heard`. */
  since(heard: number, organizationId: string, userId: string): boolean {
    const numbers = [organizationId, `${organizationId} ${userId}`].map((key) => this.latest.peek(key) ?? 0);
    return heard < Math.max(this.forgotten, ...numbers);
  }
}
