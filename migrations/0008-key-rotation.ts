import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Keys that take turns by the clock: each says from when it signs and until when it verifies. */
export class KeyRotation1700000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX keys_active;
      ALTER TABLE keys
        DROP CONSTRAINT keys_purpose_check,
        ADD CONSTRAINT keys_kind_check CHECK (
          (purpose, algorithm) IN (('signing', 'ES256'), ('signing', 'RS256'), ('mac', 'HS256'), ('encryption', 'A256GCM'))),
        ADD COLUMN number integer,
        ADD COLUMN signs_from timestamptz,
        -- null of the newest of its purpose and algorithm
        ADD COLUMN verifies_until timestamptz;
      UPDATE keys k
         SET signs_from = created_at, number = n.number,
             verifies_until = retired_at + CASE purpose WHEN 'mac' THEN interval '721 hours' ELSE interval '25 hours' END
        FROM (SELECT kid, row_number() OVER (PARTITION BY purpose, algorithm
                                             ORDER BY retired_at NULLS LAST, created_at) AS number
                FROM keys) n
       WHERE n.kid = k.kid;
      ALTER TABLE keys
        ALTER COLUMN number SET NOT NULL,
        ALTER COLUMN signs_from SET NOT NULL,
        DROP COLUMN retired_at,
        -- of several nodes that rotate at once, one gets the next number
        ADD CONSTRAINT keys_number UNIQUE (purpose, algorithm, number);
      CREATE INDEX keys_expiry ON keys (verifies_until) WHERE verifies_until IS NOT NULL;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM keys WHERE purpose = 'encryption';
      ALTER TABLE keys ADD COLUMN retired_at timestamptz;
      UPDATE keys SET retired_at = now() WHERE verifies_until IS NOT NULL;
      DROP INDEX keys_expiry;
      ALTER TABLE keys
        DROP CONSTRAINT keys_number, DROP CONSTRAINT keys_kind_check,
        ADD CONSTRAINT keys_purpose_check CHECK (purpose IN ('signing', 'mac')),
        DROP COLUMN number, DROP COLUMN signs_from, DROP COLUMN verifies_until;
      CREATE UNIQUE INDEX keys_active ON keys (purpose, algorithm) WHERE retired_at IS NULL;
    `);
  }
}
