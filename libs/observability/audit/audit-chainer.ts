import { Injectable } from '@nestjs/common';
import { RepeatedWork } from '#platform';
import { AuditChainRepository, type ChainHead } from './audit-chain.repository.js';

const INTERVAL = 5000;
const BATCH = 1000;

/**
 * Chains what was audited, and logs the head of the chain: logs leave the machine, so that who rewrites the whole
 * chain in the database is told from it by them.
 */
@Injectable()
export class AuditChainer extends RepeatedWork {
  constructor(private readonly chain: AuditChainRepository) {
    super({ interval: INTERVAL, failing: 'audit events are chained later' });
  }

  protected override work(stopping: () => boolean): Promise<void> {
    return this.extend(stopping);
  }

  /** Chains everything that can be chained now. */
  async extend(stopping = () => false): Promise<void> {
    let last: ChainHead | undefined;
    for (;;) {
      const head = await this.chain.extend(BATCH);
      if (!head) break;
      last = head;
      if (stopping()) break;
    }
    if (last) this.logger.log(`audit chain ${headText(last)}`);
  }
}

/** `position:digest`, as `core-auth audit verify --head` takes it. */
export function headText({ position, digest }: ChainHead): string {
  return `${position}:${digest.toString('hex')}`;
}
