import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A feature may have several overrides of one license, one after the other. */
export class Overrides1700000000037 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE license_overrides
        DROP CONSTRAINT license_overrides_pkey,
        ADD CONSTRAINT license_overrides_pkey PRIMARY KEY (license_id, feature_key, starts_at);
    `);
  }

  /** Of several the earliest stays: it is the one in force, if there is one. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DELETE FROM license_overrides WHERE ends_at <= now();
      DELETE FROM license_overrides AS later USING license_overrides AS earlier
       WHERE (later.license_id, later.feature_key) = (earlier.license_id, earlier.feature_key)
         AND later.starts_at > earlier.starts_at;
      ALTER TABLE license_overrides
        DROP CONSTRAINT license_overrides_pkey,
        ADD CONSTRAINT license_overrides_pkey PRIMARY KEY (license_id, feature_key);
    `);
  }
}
