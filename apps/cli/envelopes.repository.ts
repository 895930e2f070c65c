import { browserEnvelopeContext } from '#accounts';
import { pushedEnvelopeContext } from '#oauth';
import { mailEnvelopeContext, sql, type Database, type Statement } from '#platform';
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

type Row = Omit<Envelope, 'context'>;

/** Everything that the database keeps encrypted. */
export class EnvelopeRepository {
  readonly columns: readonly EnvelopeColumn[];

  constructor(private readonly database: Database) {
    this.columns = [
      this.keys(),
      this.webhooks(),
      this.previousWebhooks(),
      this.mails(),
      this.totp(),
      this.sessions(),
      this.pushedRequests(),
    ];
  }

  /** The columns of the database that are named after what they hold. */
  async columnNames(): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(sql`
      SELECT table_name || '.' || column_name AS name FROM information_schema.columns
       WHERE table_schema = current_schema() AND column_name LIKE '%envelope%' ORDER BY 1`);
    return rows.map(({ name }) => name);
  }

  private keys(): EnvelopeColumn {
    return {
      name: 'keys.secret_envelope',
      notUnder: async (kid, id, limit) => {
        const rows = await this.database.query<Row & Pick<KeyKind, 'purpose'>>(sql`
          SELECT kid AS id, purpose, secret_envelope AS envelope FROM keys
           WHERE split_part(secret_envelope, '.', 2) <> ${kid} AND kid > ${id} ORDER BY kid LIMIT ${limit}`);
        return rows.map((row) => ({
          ...row,
          context: keyEnvelopeContext({ purpose: row.purpose, kid: row.id }),
        }));
      },
      replace: (replacements, actor) =>
        this.oneByOne(
          replacements,
          ({ id, old, envelope }) => sql`
          WITH replaced AS (
            UPDATE keys SET secret_envelope = ${envelope} WHERE kid = ${id} AND secret_envelope = ${old}
            RETURNING kid
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'keys.secret_envelope ' || kid FROM replaced RETURNING id`,
        ),
    };
  }

  private webhooks(): EnvelopeColumn {
    return {
      name: 'webhooks.secret_envelope',
      notUnder: async (kid, id, limit) =>
        ofWebhooks(
          await this.database.query<Row>(sql`
            SELECT id::text, secret_envelope AS envelope FROM webhooks
             WHERE split_part(secret_envelope, '.', 2) <> ${kid} AND id::text > ${id}
             ORDER BY id::text LIMIT ${limit}`),
        ),
      replace: (replacements, actor) =>
        this.oneByOne(
          replacements,
          ({ id, old, envelope }) => sql`
          WITH replaced AS (
            UPDATE webhooks SET secret_envelope = ${envelope} WHERE id = ${id} AND secret_envelope = ${old}
            RETURNING id
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'webhooks.secret_envelope ' || id FROM replaced RETURNING id`,
        ),
    };
  }

  private previousWebhooks(): EnvelopeColumn {
    return {
      name: 'webhooks.previous_secret_envelope',
      notUnder: async (kid, id, limit) =>
        ofWebhooks(
          await this.database.query<Row>(sql`
            SELECT id::text, previous_secret_envelope AS envelope FROM webhooks
             WHERE split_part(previous_secret_envelope, '.', 2) <> ${kid} AND id::text > ${id}
             ORDER BY id::text LIMIT ${limit}`),
        ),
      replace: (replacements, actor) =>
        this.oneByOne(
          replacements,
          ({ id, old, envelope }) => sql`
          WITH replaced AS (
            UPDATE webhooks SET previous_secret_envelope = ${envelope}
             WHERE id = ${id} AND previous_secret_envelope = ${old}
            RETURNING id
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'webhooks.previous_secret_envelope ' || id FROM replaced
          RETURNING id`,
        ),
    };
  }

  private mails(): EnvelopeColumn {
    return {
      name: 'mails.mail_envelope',
      notUnder: async (kid, id, limit) => {
        const rows = await this.database.query<Row>(sql`
          SELECT id::text, mail_envelope AS envelope FROM mails
           WHERE split_part(mail_envelope, '.', 2) <> ${kid} AND id::text > ${id} ORDER BY id::text LIMIT ${limit}`);
        return rows.map((row) => ({ ...row, context: mailEnvelopeContext(row.id) }));
      },
      replace: (replacements, actor) =>
        this.oneByOne(
          replacements,
          ({ id, old, envelope }) => sql`
          WITH replaced AS (
            UPDATE mails SET mail_envelope = ${envelope} WHERE id = ${id} AND mail_envelope = ${old}
            RETURNING id
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'mails.mail_envelope ' || id FROM replaced RETURNING id`,
        ),
    };
  }

  private totp(): EnvelopeColumn {
    return {
      name: 'totp_factors.secret_envelope',
      notUnder: async (kid, id, limit) => {
        const rows = await this.database.query<Row>(sql`
          SELECT user_id::text AS id, secret_envelope AS envelope FROM totp_factors
           WHERE split_part(secret_envelope, '.', 2) <> ${kid} AND user_id::text > ${id}
           ORDER BY user_id::text LIMIT ${limit}`);
        return rows.map((row) => ({ ...row, context: totpEnvelopeContext(row.id) }));
      },
      replace: (replacements, actor) =>
        this.oneByOne(
          replacements,
          ({ id, old, envelope }) => sql`
          WITH replaced AS (
            UPDATE totp_factors SET secret_envelope = ${envelope}
             WHERE user_id = ${id} AND secret_envelope = ${old}
            RETURNING user_id
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'totp_factors.secret_envelope ' || user_id FROM replaced
          RETURNING id`,
        ),
    };
  }

  private sessions(): EnvelopeColumn {
    const name = 'sessions.browser_envelope';
    return {
      name,
      notUnder: async (kid, id, limit) => {
        const rows = await this.database.query<Row & { userId: string }>(sql`
          SELECT id, user_id AS "userId", browser_envelope AS envelope FROM sessions
           WHERE split_part(browser_envelope, '.', 2) <> ${kid} AND id > ${id === '' ? NIL : id}::uuid
           ORDER BY id LIMIT ${limit}`);
        return rows.map(({ userId, ...row }) => ({ ...row, context: browserEnvelopeContext(userId) }));
      },
      replace: (replacements, actor) => {
        const { ids, olds, envelopes } = listsOf(replacements);
        return this.atOnce(sql`
          WITH next AS (
            SELECT s.id, n.envelope
              FROM sessions s JOIN unnest(${ids}::uuid[], ${olds}::text[], ${envelopes}::text[])
                AS n (id, old, envelope) ON s.id = n.id AND s.browser_envelope = n.old
               FOR NO KEY UPDATE OF s SKIP LOCKED
          ), replaced AS (
            UPDATE sessions s SET browser_envelope = next.envelope FROM next WHERE s.id = next.id RETURNING s.id
          ), audited AS (
            INSERT INTO audit_events (act, actor, target, detail)
            SELECT 'envelope.rewrap', ${actor}::text, ${name}, jsonb_build_object('rows', count(*)) FROM replaced
            HAVING count(*) > 0
          )
          SELECT id FROM replaced`);
      },
    };
  }

  private pushedRequests(): EnvelopeColumn {
    const name = 'pushed_requests.parameters_envelope';
    return {
      name,
      notUnder: async (kid, id, limit) => {
        const rows = await this.database.query<Row>(sql`
          SELECT encode(reference_sha256, 'hex') AS id, parameters_envelope AS envelope FROM pushed_requests
           WHERE split_part(parameters_envelope, '.', 2) <> ${kid} AND reference_sha256 > decode(${id}, 'hex')
           ORDER BY reference_sha256 LIMIT ${limit}`);
        return rows.map((row) => ({ ...row, context: pushedEnvelopeContext(Buffer.from(row.id, 'hex')) }));
      },
      replace: (replacements, actor) => {
        const { ids, olds, envelopes } = listsOf(replacements);
        return this.atOnce(sql`
          WITH next AS (
            SELECT reference_sha256 AS id, n.envelope
              FROM pushed_requests p JOIN unnest(${ids}::text[], ${olds}::text[], ${envelopes}::text[])
                AS n (id, old, envelope) ON reference_sha256 = decode(n.id, 'hex') AND parameters_envelope = n.old
               FOR NO KEY UPDATE OF p SKIP LOCKED
          ), replaced AS (
            UPDATE pushed_requests SET parameters_envelope = next.envelope FROM next WHERE reference_sha256 = next.id
            RETURNING reference_sha256
          ), audited AS (
            INSERT INTO audit_events (act, actor, target, detail)
            SELECT 'envelope.rewrap', ${actor}::text, ${name}, jsonb_build_object('rows', count(*)) FROM replaced
            HAVING count(*) > 0
          )
          SELECT reference_sha256 FROM replaced`);
      },
    };
  }

  /** Few rows: each has its own event in the audit. */
  private async oneByOne(
    replacements: readonly Replacement[],
    statement: (replacement: Replacement) => Statement,
  ): Promise<number> {
    let done = 0;
    for (const replacement of replacements) done += await this.atOnce(statement(replacement));
    return done;
  }

  private async atOnce(statement: Statement): Promise<number> {
    return (await this.database.query(statement)).length;
  }
}

function listsOf(replacements: readonly Replacement[]) {
  return {
    ids: replacements.map(({ id }) => id),
    olds: replacements.map(({ old }) => old),
    envelopes: replacements.map(({ envelope }) => envelope),
  };
}

function ofWebhooks(rows: readonly Row[]): Envelope[] {
  return rows.map((row) => ({ ...row, context: `webhooks|${row.id}` }));
}
