import type { AuditChainRepository, ChainHead } from './audit-chain.repository.js';
import { CHAIN_START, chainDigest } from './audit-event.js';

const BATCH = 2000;
/** Faults that are told one by one; a rewritten trail may have millions. */
const TOLD = 20;

export interface ChainVerdict {
  /** Sentences, each with its position; empty when the trail is what was written. */
  readonly faults: readonly string[];
  readonly faultCount: number;
  readonly links: bigint;
  readonly head: ChainHead | undefined;
  readonly unchained: number;
}

/**
 * Reads the whole chain and computes it again.
 * @param noted a head that was noted before, outside the database; the chain must still lead through it
 * @param progress is called now and then with how far it has come
 */
export async function verifyChain(
  chain: AuditChainRepository,
  noted: ChainHead | undefined,
  progress: (position: bigint, end: bigint) => void,
): Promise<ChainVerdict> {
  const end = (await chain.head())?.position ?? 0n;
  const faults: string[] = [];
  let faultCount = 0;
  const fault = (sentence: string) => {
    faultCount += 1;
    if (faults.length < TOLD) faults.push(sentence);
  };
  let [position, before, links] = [0n, CHAIN_START, 0n];
  let metNoted = noted === undefined;
  for (;;) {
    const batch = await chain.links(position, BATCH);
    for (const link of batch) {
      if (link.position !== position + 1n)
        fault(`Links ${position + 1n} to ${link.position - 1n} are missing.`);
      else if (!link.event) fault(`Event ${link.eventId} at ${link.position} is missing.`);
      else if (!chainDigest(before, link.event).equals(link.digest)) {
        fault(`Event ${link.eventId} at ${link.position} is not what was chained.`);
      }
      if (noted?.position === link.position) metNoted = noted.digest.equals(link.digest);
      // what follows is judged by what stands here, so that one change is told as one
      [position, before] = [link.position, link.digest];
      links += 1n;
    }
    progress(position, end);
    if (batch.length < BATCH) break;
  }
  if (!metNoted) fault(`The chain does not lead through the head that was noted, ${noted?.position}.`);
  const head = links === 0n ? undefined : { position, digest: before };
  return { faults, faultCount, links, head, unchained: await chain.unchainedCount() };
}
