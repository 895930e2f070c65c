import { mailEnvelopeContext, sql, type Database } from '#platform';
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
  /** Puts one envelope in another's place, unless it has been replaced meanwhile; audited. @returns whether it did */
  readonly replace: (id: string, old: string, envelope: string, actor: string) => Promise<boolean>;
}

type Row = Omit<Envelope, 'context'>;

/** Everything that the database keeps encrypted. */
export class EnvelopeRepository {
  readonly columns: readonly EnvelopeColumn[];

  constructor(private readonly database: Database) {
    this.columns = [this.keys(), this.webhooks(), this.previousWebhooks(), this.mails(), this.totp()];
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
      replace: async (id, old, envelope, actor) =>
        this.replaced(sql`
          WITH replaced AS (
            UPDATE keys SET secret_envelope = ${envelope} WHERE kid = ${id} AND secret_envelope = ${old}
            RETURNING kid
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'keys.secret_envelope ' || kid FROM replaced RETURNING id`),
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
      replace: async (id, old, envelope, actor) =>
        this.replaced(sql`
          WITH replaced AS (
            UPDATE webhooks SET secret_envelope = ${envelope} WHERE id = ${id} AND secret_envelope = ${old}
            RETURNING id
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'webhooks.secret_envelope ' || id FROM replaced RETURNING id`),
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
      replace: async (id, old, envelope, actor) =>
        this.replaced(sql`
          WITH replaced AS (
            UPDATE webhooks SET previous_secret_envelope = ${envelope}
             WHERE id = ${id} AND previous_secret_envelope = ${old}
            RETURNING id
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'webhooks.previous_secret_envelope ' || id FROM replaced
          RETURNING id`),
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
      replace: async (id, old, envelope, actor) =>
        this.replaced(sql`
          WITH replaced AS (
            UPDATE mails SET mail_envelope = ${envelope} WHERE id = ${id} AND mail_envelope = ${old}
            RETURNING id
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'mails.mail_envelope ' || id FROM replaced RETURNING id`),
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
      replace: async (id, old, envelope, actor) =>
        this.replaced(sql`
          WITH replaced AS (
            UPDATE totp_factors SET secret_envelope = ${envelope}
             WHERE user_id = ${id} AND secret_envelope = ${old}
            RETURNING user_id
          )
          INSERT INTO audit_events (act, actor, target)
          SELECT 'envelope.rewrap', ${actor}::text, 'totp_factors.secret_envelope ' || user_id FROM replaced
          RETURNING id`),
    };
  }

  private async replaced(statement: ReturnType<typeof sql>): Promise<boolean> {
    return (await this.database.query(statement)).length > 0;
  }
}

function ofWebhooks(rows: readonly Row[]): Envelope[] {
  return rows.map((row) => ({ ...row, context: `webhooks|${row.id}` }));
}
