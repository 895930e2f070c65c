// The peer's storage: one table, as the adapters that its documentation links to have it.
const TABLE = `
  CREATE TABLE IF NOT EXISTS oidc_payloads (
    id text NOT NULL,
    type text NOT NULL,
    payload jsonb NOT NULL,
    grant_id text,
    user_code text,
    uid text,
    expires_at timestamptz,
    consumed_at timestamptz,
    PRIMARY KEY (id, type)
  );
  CREATE INDEX IF NOT EXISTS oidc_payloads_grant ON oidc_payloads (grant_id);
  CREATE INDEX IF NOT EXISTS oidc_payloads_uid ON oidc_payloads (uid);
  CREATE INDEX IF NOT EXISTS oidc_payloads_user_code ON oidc_payloads (user_code);
  CREATE INDEX IF NOT EXISTS oidc_payloads_expiry ON oidc_payloads (expires_at);`;

export async function createTable(pool) {
  await pool.query(TABLE);
}

/** Prepared statements, as our own server has them. */
export function adapterOn(pool) {
  const one = async (name, text, values) => {
    const { rows } = await pool.query({ name, text, values });
    const [row] = rows;
    if (!row) return undefined;
    return { ...row.payload, ...(row.consumed_at ? { consumed: row.consumed_at.getTime() / 1000 } : {}) };
  };
  return class PostgresAdapter {
    constructor(type) {
      this.type = type;
    }

    async upsert(id, payload, expiresIn) {
      await pool.query({
        name: 'upsert',
        text: `
          INSERT INTO oidc_payloads (id, type, payload, grant_id, user_code, uid, expires_at)
          VALUES ($1, $2, $3, $4, $5, $6, $7)
          ON CONFLICT (id, type) DO UPDATE
             SET payload = excluded.payload, grant_id = excluded.grant_id, user_code = excluded.user_code,
                 uid = excluded.uid, expires_at = excluded.expires_at`,
        values: [
          id,
          this.type,
          JSON.stringify(payload),
          payload.grantId ?? null,
          payload.userCode ?? null,
          payload.uid ?? null,
          expiresIn ? new Date(Date.now() + expiresIn * 1000) : null,
        ],
      });
    }

    find(id) {
      return one('find', 'SELECT payload, consumed_at FROM oidc_payloads WHERE id = $1 AND type = $2', [
        id,
        this.type,
      ]);
    }

    findByUid(uid) {
      return one('findByUid', 'SELECT payload, consumed_at FROM oidc_payloads WHERE uid = $1 AND type = $2', [
        uid,
        this.type,
      ]);
    }

    findByUserCode(code) {
      return one(
        'findByUserCode',
        'SELECT payload, consumed_at FROM oidc_payloads WHERE user_code = $1 AND type = $2',
        [code, this.type],
      );
    }

    async consume(id) {
      await pool.query({
        name: 'consume',
        text: 'UPDATE oidc_payloads SET consumed_at = now() WHERE id = $1 AND type = $2',
        values: [id, this.type],
      });
    }

    async destroy(id) {
      await pool.query({
        name: 'destroy',
        text: 'DELETE FROM oidc_payloads WHERE id = $1 AND type = $2',
        values: [id, this.type],
      });
    }

    async revokeByGrantId(grantId) {
      await pool.query({
        name: 'revokeByGrantId',
        text: 'DELETE FROM oidc_payloads WHERE grant_id = $1 AND type = $2',
        values: [grantId, this.type],
      });
    }
  };
}
