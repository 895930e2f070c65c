import { AuditChainRepository, headText, verifyChain, type ChainHead } from '#observability';
import { withDatabase } from '../opened-database.js';
import { terminal } from '../terminal.js';

const USAGE = `Usage: core-auth audit <what>

  verify [--head <position>:<digest>]
                  read the whole audit trail and say whether it is what was written; with a head that was noted
                  before (the server logs it), also whether anything before that was cut off or written anew
  head            the head of the chain now, to be noted outside the database`;

type Action = (chain: AuditChainRepository) => Promise<number>;

/** What can be told of the audit trail without trusting who can write to the database. */
export async function auditCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const action = actionOf(args);
  if (!action) {
    terminal.complain(USAGE);
    return 1;
  }
  return withDatabase(env, ({ database }) => action(new AuditChainRepository(database)));
}

/** @returns undefined when the arguments name nothing that can be done */
function actionOf([what, option, noted, ...rest]: readonly string[]): Action | undefined {
  if (rest.length > 0) return undefined;
  if (what === 'head' && option === undefined) return head;
  if (what !== 'verify') return undefined;
  if (option === undefined) return (chain) => verify(chain, undefined);
  const notedHead = option === '--head' ? parseHead(noted ?? '') : undefined;
  return notedHead && ((chain) => verify(chain, notedHead));
}

function parseHead(text: string): ChainHead | undefined {
  const [, position, digest] = /^([1-9]\d{0,17}):([0-9a-f]{64})$/.exec(text) ?? [];
  return position && digest ? { position: BigInt(position), digest: Buffer.from(digest, 'hex') } : undefined;
}

async function head(chain: AuditChainRepository): Promise<number> {
  const found = await chain.head();
  terminal.say(found ? headText(found) : 'Nothing is chained yet: the server does it within seconds.');
  return 0;
}

async function verify(chain: AuditChainRepository, noted: ChainHead | undefined): Promise<number> {
  const verdict = await verifyChain(chain, noted, (position, end) =>
    terminal.progress(`verifying the audit trail: ${position} of ${end}`),
  );
  terminal.progress('');
  for (const fault of verdict.faults) terminal.complain(fault);
  const untold = verdict.faultCount - verdict.faults.length;
  if (untold > 0) terminal.complain(`And ${untold} more.`);
  const events = `${verdict.links} ${verdict.links === 1n ? 'event' : 'events'}`;
  if (verdict.faultCount > 0) {
    terminal.complain(`The audit trail of ${events} is not what was written.`);
    return 1;
  }
  const waiting = verdict.unchained > 0 ? ` ${verdict.unchained} more will be chained.` : '';
  terminal.say(`The audit trail of ${events} is what was written.${waiting}`);
  if (verdict.head) terminal.say(`Its head is ${headText(verdict.head)}`);
  return 0;
}
