import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

export type StatementKind = 'read' | 'write' | 'transaction' | 'setting';

export interface LoggedStatement {
  readonly kind: StatementKind;
  readonly text: string;
}

/**
 * What a server asks by itself, whatever requests come: the outbox, its keys, deliveries, mail, sessions that expire,
 * licenses that announce themselves, the audit chain, seats of who has left, and the sweeper's batches.
 */
const BACKGROUND =
  /\bFROM outbox\b|\blicense_announcements\b|\bFROM keys\b|\boutbox_readers\b|UPDATE deliveries\b|INSERT INTO deliveries\b|UPDATE webhooks SET previous|'session\.expire'|'client\.expire'|'authorization\.expire'|FROM clients c WHERE c\.source <> 'administrator'|pg_current_snapshot|WITH departure AS|AS held WHERE NOT EXISTS|\baudit_chain\b|pg_try_advisory_xact_lock|^DELETE FROM [\s\S]* LIMIT \$\d+\)|WHERE f\.mail_due\b/;

export function isBackground({ text }: LoggedStatement): boolean {
  return BACKGROUND.test(text);
}

/** Statements of one database, in order, as PostgreSQL logged them before it ran each. */
export class StatementLog {
  private offset: number;

  constructor(
    private readonly file: string,
    private readonly database: string,
  ) {
    this.offset = statSync(file).size;
  }

  /** Forgets what was logged until now. */
  clear(): void {
    this.offset = statSync(this.file).size;
  }

  /** What was logged since the last `clear()` or `take()`. */
  take(): LoggedStatement[] {
    const text = this.readNew();
    const marker = `@@${this.database}@@ LOG:  `;
    return text
      .split(/^(?=@@[^@\n]*@@ )/m)
      .filter((record) => record.startsWith(marker))
      .map((record) => /^(?:statement|execute [^:]*): ([\s\S]*)$/.exec(record.slice(marker.length))?.[1])
      .filter((statement) => statement !== undefined)
      .map((statement) => statement.replace(/\s+/g, ' ').trim())
      .map((statement) => ({ kind: kindOf(statement), text: statement }));
  }

  /** `take()` as the statement budget counts: reads and writes, without BEGIN, COMMIT and SET. */
  count(): { reads: number; writes: number; texts: string[] } {
    const counted = this.take().filter(({ kind }) => kind === 'read' || kind === 'write');
    const writes = counted.filter(({ kind }) => kind === 'write').length;
    return { reads: counted.length - writes, writes, texts: counted.map(({ text }) => text) };
  }

  private readNew(): string {
    const descriptor = openSync(this.file, 'r');
    try {
      const length = fstatSync(descriptor).size - this.offset;
      const buffer = Buffer.alloc(Math.max(length, 0));
      readSync(descriptor, buffer, 0, buffer.length, this.offset);
      this.offset += buffer.length;
      return buffer.toString('utf8');
    } finally {
      closeSync(descriptor);
    }
  }
}

function kindOf(statement: string): StatementKind {
  if (/^(BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|END)\b/i.test(statement)) return 'transaction';
  if (/^(SET|RESET|SHOW|DISCARD)\b/i.test(statement)) return 'setting';
  // a WITH may write in any of its parts
  if (
    /\b(INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|MERGE INTO)\b/i.test(
      statement.replace(/FOR (NO KEY )?UPDATE/gi, ''),
    )
  ) {
    return 'write';
  }
  return 'read';
}
