import { browserEnvelopeContext } from '#accounts';
import { pushedEnvelopeContext } from '#oauth';
import { mailEnvelopeContext, sql, type Database, type Statement, type Transaction } from '#platform';
import { totpEnvelopeContext } from '#sessions';
import { keyEnvelopeContext, type KeyKind } from '#tokens';

export interface Envelope {
  /** Of the row. */
  readonly id: string;
  readonly envelope: string;
  /** What it was bound to when it was encrypted. */
  readonly context: string;
}

/** A column that holds envelopes of KeyEncryption. */
export interface EnvelopeColumn {
  readonly name: string;
  /** Up to `limit` rows after `id`, in the order of their ids, that are under another key than `kid`. */
  readonly notUnder: (kid: string, id: string, limit: number) => Promise<Envelope[]>;
  /**
   * Puts envelopes in the place of others, except where those have been replaced meanwhile, or are just being changed;
   * audited. @returns how many
   */
  readonly replace: (replacements: readonly Replacement[], actor: string) => Promise<number>;
}

export interface Replacement {
  /** Of the row. */
  readonly id: string;
  readonly old: string;
  readonly envelope: string;
}

/** Before every id. */
const NIL = '00000000-0000-0000-0000-000000000000';

interface Row extends Omit<Envelope, 'context'> {
  /** What it is bound to beside the row, where that is something else than its id. */
  readonly owner?: string;
}

/** What two columns differ in. */
interface Described {
  readonly name: string;
  readonly contextOf: (row: Row) => string;
  readonly notUnder: (kid: string, id: string, limit: number) => Statement;
}

/** Everything that the database keeps encrypted. */
export class EnvelopeRepository {
  readonly columns: readonly EnvelopeColumn[];

  constructor(private readonly database: Database) {
    this.columns = [
      ...[keys, webhooks, previousWebhooks, mails, totp].map((column) => this.oneByOne(column)),
      ...[sessions, pushedRequests].map((column) => this.atOnce(column)),
    ];
  }

  /** The columns of the database that are named after what they hold. */
  async columnNames(): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(sql`
      SELECT table_name || '.' || column_name AS name FROM information_schema.columns
       WHERE table_schema = current_schema() AND column_name LIKE '%envelope%' ORDER BY 1`);
    return rows.map(({ name }) => name);
  }

  /** Of few rows: each has its own event in the audit. */
  private oneByOne(column: Described & { readonly replace: (replacement: Replacement) => Statement }) {
    return this.column(column, async (replacements, actor) => {
      let done = 0;
      for (const replacement of replacements) {
        done += await this.audited(
          column.replace(replacement),
          () => sql`
          INSERT INTO audit_events (act, actor, target)
          VALUES ('envelope.rewrap', ${actor}, ${`${column.name} ${replacement.id}`})`,
        );
      }
      return done;
    });
  }

  /** Of many rows: those of a statement have one event in the audit, which says how many. */
  private atOnce(column: Described & { readonly replace: (lists: ReplacementLists) => Statement }) {
    return this.column(column, (replacements, actor) =>
      this.audited(
        column.replace(listsOf(replacements)),
        (rows) => sql`
        INSERT INTO audit_events (act, actor, target, detail)
        VALUES ('envelope.rewrap', ${actor}, ${column.name}, jsonb_build_object('rows', ${rows}::int))`,
      ),
    );
  }

  private column(
    { name, contextOf, notUnder }: Described,
    replace: EnvelopeColumn['replace'],
  ): EnvelopeColumn {
    return {
      name,
      replace,
      notUnder: async (kid, id, limit) => {
        const rows = await this.database.query<Row>(notUnder(kid, id, limit));
        return rows.map((row) => ({ id: row.id, envelope: row.envelope, context: contextOf(row) }));
      },
    };
  }

  private async audited(replace: Statement, event: (rows: number) => Statement): Promise<number> {
    return this.database.transaction(async (transaction: Transaction) => {
      const { length } = await transaction.query(replace);
      if (length > 0) await transaction.query(event(length));
      return length;
    });
  }
}

const keys = {
  name: 'keys.secret_envelope',
  contextOf: ({ id, owner }: Row) => keyEnvelopeContext({ purpose: owner as KeyKind['purpose'], kid: id }),
  notUnder: (kid: string, id: string, limit: number) => sql`
    SELECT kid AS id, purpose AS owner, secret_envelope AS envelope FROM keys
     WHERE split_part(secret_envelope, '.', 2) <> ${kid} AND kid > ${id} ORDER BY kid LIMIT ${limit}`,
  replace: ({ id, old, envelope }: Replacement) => sql`
    UPDATE keys SET secret_envelope = ${envelope} WHERE kid = ${id} AND secret_envelope = ${old} RETURNING 1`,
};

const webhooks = {
  name: 'webhooks.secret_envelope',
  contextOf: webhookContext,
  notUnder: (kid: string, id: string, limit: number) => sql`
    SELECT id::text, secret_envelope AS envelope FROM webhooks
     WHERE split_part(secret_envelope, '.', 2) <> ${kid} AND id::text > ${id} ORDER BY id::text LIMIT ${limit}`,
  replace: ({ id, old, envelope }: Replacement) => sql`
    UPDATE webhooks SET secret_envelope = ${envelope} WHERE id = ${id} AND secret_envelope = ${old} RETURNING 1`,
};

const previousWebhooks = {
  name: 'webhooks.previous_secret_envelope',
  contextOf: webhookContext,
  notUnder: (kid: string, id: string, limit: number) => sql`
    SELECT id::text, previous_secret_envelope AS envelope FROM webhooks
     WHERE split_part(previous_secret_envelope, '.', 2) <> ${kid} AND id::text > ${id}
     ORDER BY id::text LIMIT ${limit}`,
  replace: ({ id, old, envelope }: Replacement) => sql`
    UPDATE webhooks SET previous_secret_envelope = ${envelope}
     WHERE id = ${id} AND previous_secret_envelope = ${old} RETURNING 1`,
};

const mails = {
  name: 'mails.mail_envelope',
  contextOf: ({ id }: Row) => mailEnvelopeContext(id),
  notUnder: (kid: string, id: string, limit: number) => sql`
    SELECT id::text, mail_envelope AS envelope FROM mails
     WHERE split_part(mail_envelope, '.', 2) <> ${kid} AND id::text > ${id} ORDER BY id::text LIMIT ${limit}`,
  replace: ({ id, old, envelope }: Replacement) => sql`
    UPDATE mails SET mail_envelope = ${envelope} WHERE id = ${id} AND mail_envelope = ${old} RETURNING 1`,
};

const totp = {
  name: 'totp_factors.secret_envelope',
  contextOf: ({ id }: Row) => totpEnvelopeContext(id),
  notUnder: (kid: string, id: string, limit: number) => sql`
    SELECT user_id::text AS id, secret_envelope AS envelope FROM totp_factors
     WHERE split_part(secret_envelope, '.', 2) <> ${kid} AND user_id::text > ${id}
     ORDER BY user_id::text LIMIT ${limit}`,
  replace: ({ id, old, envelope }: Replacement) => sql`
    UPDATE totp_factors SET secret_envelope = ${envelope}
     WHERE user_id = ${id} AND secret_envelope = ${old} RETURNING 1`,
};

const sessions = {
  name: 'sessions.browser_envelope',
  contextOf: ({ owner = '' }: Row) => browserEnvelopeContext(owner),
  notUnder: (kid: string, id: string, limit: number) => sql`
    SELECT id, user_id AS owner, browser_envelope AS envelope FROM sessions
     WHERE split_part(browser_envelope, '.', 2) <> ${kid} AND id > ${id === '' ? NIL : id}::uuid
     ORDER BY id LIMIT ${limit}`,
  replace: ({ ids, olds, envelopes }: ReplacementLists) => sql`
    WITH next AS (
      SELECT s.id, n.envelope
        FROM sessions s JOIN unnest(${ids}::uuid[], ${olds}::text[], ${envelopes}::text[])
          AS n (id, old, envelope) ON s.id = n.id AND s.browser_envelope = n.old
         FOR NO KEY UPDATE OF s SKIP LOCKED
    )
    UPDATE sessions s SET browser_envelope = next.envelope FROM next WHERE s.id = next.id RETURNING 1`,
};

const pushedRequests = {
  name: 'pushed_requests.parameters_envelope',
  contextOf: ({ id }: Row) => pushedEnvelopeContext(Buffer.from(id, 'hex')),
  notUnder: (kid: string, id: string, limit: number) => sql`
    SELECT encode(reference_sha256, 'hex') AS id, parameters_envelope AS envelope FROM pushed_requests
     WHERE split_part(parameters_envelope, '.', 2) <> ${kid} AND reference_sha256 > decode(${id}, 'hex')
     ORDER BY reference_sha256 LIMIT ${limit}`,
  replace: ({ ids, olds, envelopes }: ReplacementLists) => sql`
    WITH next AS (
      SELECT reference_sha256 AS id, n.envelope
        FROM pushed_requests p JOIN unnest(${ids}::text[], ${olds}::text[], ${envelopes}::text[])
          AS n (id, old, envelope) ON reference_sha256 = decode(n.id, 'hex') AND parameters_envelope = n.old
         FOR NO KEY UPDATE OF p SKIP LOCKED
    )
    UPDATE pushed_requests SET parameters_envelope = next.envelope FROM next WHERE reference_sha256 = next.id
    RETURNING 1`,
};

function webhookContext({ id }: Row): string {
  return `webhooks|${id}`;
}

type ReplacementLists = ReturnType<typeof listsOf>;

function listsOf(replacements: readonly Replacement[]) {
  return {
    ids: replacements.map(({ id }) => id),
    olds: replacements.map(({ old }) => old),
    envelopes: replacements.map(({ envelope }) => envelope),
  };
}
