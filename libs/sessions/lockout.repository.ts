import { Injectable } from '@nestjs/common';
import type { SignInAccount } from '#accounts';
import type { Actor } from '#observability';
import { addSeconds, Clock, Configuration, Database, KeyedDigest, sql } from '#platform';
import type { DeviceRow } from './known-device.repository.js';
import {
  accountSubject,
  deviceSubject,
  limitOfDevice,
  limitsOf,
  limitsOfStrangers,
  networkSubject,
  pairSubject,
  type Attempt,
  type Limit,
} from './lockout.js';

/** A day without a failure is a fresh start. */
const FORGET_AFTER = 86_400;
/** NIST SP 800-63B-4 §3.2.2: of an account in a row; then nobody whom it counts for is let try for a day. */
const MOST_FAILURES = 100;
/** Of mails about delays, in which their links end too; so much and no more can anyone send somebody. */
const MAIL_PERIOD = 86_400;

export interface Delay {
  readonly until: Date;
  /** Whether it is the account that is closed, or to who guesses, so that its owner got a link by mail. */
  readonly byMail: boolean;
}

/** What is looked up in the statement that counts the try. */
interface Lookup {
  readonly email: string;
  readonly secretsSha256: readonly Buffer[];
}

export interface BegunSignIn {
  /** A disabled one too, so that refusing it takes as long. */
  readonly account: SignInAccount | undefined;
  /** Of this account, that one of the secrets belongs to. */
  readonly device: DeviceRow | undefined;
  /** Undefined when the try may go on. */
  readonly delay: Delay | undefined;
}

interface CountedRow {
  counted: boolean;
  id: string | null;
  email: string;
  name: string;
  disabled_at: Date | null;
  password_hash: string | null;
  has_second_factor: boolean;
  password_length_known: boolean;
  device_id: string | null;
  secret_sha256: Buffer;
}

/**
 * Failed sign-ins by account, network and both, and by known device. They lie in PostgreSQL and not in Redis: one
 * statement decides for all nodes, a restart forgets nothing, there is no second kind of count for when Redis is away,
 * and a sign-in needs PostgreSQL in any case. What limits floods, before a statement is asked for, is the rate limit.
 */
@Injectable()
export class LockoutRepository {
  private readonly free: number;
  private readonly sendsMail: boolean;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    configuration: Configuration,
    private readonly digests: KeyedDigest,
  ) {
    this.free = configuration.signInFailures;
    this.sendsMail = configuration.sendsMail;
  }

  /**
   * Counts a try before its password is looked at, so that simultaneous guesses count each: one statement decides.
   * @returns undefined when the try may go on
   */
  async begin(attempt: Attempt): Promise<Delay | undefined> {
    const limits = this.limitsOf(attempt);
    const now = this.clock.now();
    const row = await this.count(limits, undefined, now);
    return row?.counted ? undefined : this.delayOf(limits, now);
  }

  /**
   * As `begin`, and in the same statement finds the account and the device that the try counts for. Nobody's account
   * costs the same.
   */
  async beginSignIn(email: string, network: string, secretsSha256: readonly Buffer[]): Promise<BegunSignIn> {
    const now = this.clock.now();
    const ofDevice = { ...limitOfDevice(this.free), subject: null, user: null };
    const strangers = limitsOfStrangers({ email, network, userId: undefined }, this.free, this.digests);
    const row = await this.count([...strangers, ofDevice], { email, secretsSha256 }, now);
    const account = row && accountOf(row);
    const device = row && deviceOf(row);
    if (row?.counted) return { account, device, delay: undefined };
    const limits = this.limitsOf({ email, network, userId: account?.id, deviceId: device?.id });
    return { account, device, delay: await this.delayOf(limits, now) };
  }

  /**
   * Of `limits` those of whoever tries count: without a subject at the known device that was looked up, with one
   * everywhere else.
   */
  private async count(
    limits: readonly (Omit<Limit, 'subject'> & { readonly subject: string | null })[],
    lookup: Lookup | undefined,
    now: Date,
  ): Promise<CountedRow | undefined> {
    const [row] = await this.database.query<CountedRow>(sql`
      WITH account AS (
        SELECT id, email, name, disabled_at, password_hash, second_factors > 0 AS has_second_factor,
               password_short IS NOT NULL AS password_length_known, password_changed_at
          FROM users WHERE email = ${lookup?.email ?? null}
      ), device AS (
        SELECT d.id, d.secret_sha256 FROM known_devices d
          -- one that signed in while the password was changed is as forgotten as the others
          JOIN account a ON a.id = d.user_id AND a.password_changed_at <= d.first_seen_at
         WHERE d.secret_sha256 = ANY(${lookup?.secretsSha256 ?? []}::bytea[])
         LIMIT 1
      ), limits AS (
        SELECT coalesce(l.subject, ${deviceSubject('')}::text || (SELECT id FROM device)) AS subject,
               coalesce(l."user", CASE WHEN l.owned THEN (SELECT id FROM account) END) AS user_id,
               l.owned, l.free, l.delays, l.forgets, l.mails
          FROM jsonb_to_recordset(${JSON.stringify(limits)}::jsonb)
            AS l(subject text, owned boolean, "user" uuid, free int, delays jsonb, forgets float8, mails boolean)
         WHERE (l.subject IS NULL) = EXISTS (SELECT FROM device)
      ), counted AS (
        INSERT INTO sign_in_failures AS f (subject, user_id, failures, last_failed_at, locked_until)
        SELECT subject, user_id, 1, ${now}, '-infinity' FROM limits
         WHERE NOT EXISTS (
                 SELECT FROM sign_in_failures JOIN limits AS l USING (subject) WHERE locked_until > ${now})
         -- everybody locks rows in this order
         ORDER BY subject
        ON CONFLICT (subject) DO UPDATE
           SET (user_id, failures, last_failed_at, locked_until, mail_due) = (
                 SELECT excluded.user_id, kept.failures + 1,
                        -- forgetting goes on from where it was, however often somebody tries meanwhile
                        CASE WHEN l.forgets IS NULL OR kept.failures = 0
                             THEN greatest(excluded.last_failed_at, f.last_failed_at)
                             ELSE f.last_failed_at + make_interval(secs => floor(quiet / l.forgets) * l.forgets) END,
                        CASE WHEN kept.failures + 1 < l.free THEN '-infinity'
                             ELSE ${now}::timestamptz + make_interval(secs => CASE
                               WHEN l.owned AND kept.failures + 1 >= ${MOST_FAILURES} THEN ${FORGET_AFTER}
                               ELSE (l.delays ->> least(kept.failures + 1 - l.free, jsonb_array_length(l.delays) - 1))::float8
                             END) END,
                        f.mail_due OR (l.mails AND kept.failures + 1 >= l.free
                          AND coalesce(f.mailed_at <= ${addSeconds(now, -MAIL_PERIOD)}, true))
                   FROM limits AS l, LATERAL (
                     -- the clock of another node may be behind
                     SELECT greatest(extract(epoch FROM excluded.last_failed_at - f.last_failed_at), 0)::float8 AS quiet
                   ) AS since, LATERAL (
                     SELECT CASE
                       WHEN quiet > ${FORGET_AFTER}::float8 THEN 0
                       ELSE greatest(f.failures - coalesce(floor(quiet / l.forgets), 0)::int, 0)
                     END AS failures
                   ) AS kept
                  WHERE l.subject = f.subject)
         WHERE f.locked_until <= ${now}
        RETURNING subject
      )
      SELECT (SELECT count(*) FROM counted) = (SELECT count(*) FROM limits) AS counted,
             a.id, a.email, a.name, a.disabled_at, a.password_hash, a.has_second_factor, a.password_length_known,
             d.id AS device_id, d.secret_sha256
        FROM (VALUES (1)) AS one LEFT JOIN account a ON true LEFT JOIN device d ON true`);
    return row;
  }

  /**
   * The password was right: what failed from this network for this account is forgotten, wherever it was counted
   * (NIST SP 800-63B-4 §3.2.2 disregards failures from the same address); what others did stays.
   */
  async succeeded(attempt: Attempt): Promise<void> {
    const limits = this.limitsOf(attempt);
    await this.subtract(limits, limits.at(-1)?.subject ?? '', 0);
  }

  /** The password was not looked at after all: the try does not count. */
  async takeBack(attempt: Attempt): Promise<void> {
    await this.subtract(this.limitsOf(attempt), '', 1);
  }

  /**
   * An administrator opens an account for everybody who was delayed, at the second step too, at once.
   * @returns whether anything had been counted
   */
  async unlock(userId: string, by: Actor): Promise<boolean> {
    const unlocked = await this.database.query(sql`
      WITH at_password AS (
        DELETE FROM sign_in_failures WHERE user_id = ${userId}
        RETURNING user_id
      ), at_second_step AS (
        DELETE FROM second_factor_failures WHERE user_id = ${userId}
        RETURNING user_id
      ), opened AS (
        SELECT user_id FROM at_password UNION ALL SELECT user_id FROM at_second_step
      )
      INSERT INTO audit_events (act, actor, target, address, factor, client_id)
      SELECT DISTINCT 'account.unlock', ${by.id}, user_id::text, ${by.address}, ${by.factor}, ${by.client ?? null}
        FROM opened
      RETURNING id`);
    return unlocked.length > 0;
  }

  /**
   * A wrong password, in the audit: of which account, or of which address that no account has, from where, and until
   * when nobody may try again from there. What is written costs the same in both cases.
   * @param unwritten how many there were before this one that are not in the audit
   */
  async auditFailure(attempt: Attempt, address: string, unwritten: number): Promise<void> {
    const subjects = this.limitsOf(attempt).map(({ subject }) => subject);
    const target = attempt.userId ?? accountSubject(attempt.email, this.digests);
    await this.database.query(sql`
      INSERT INTO audit_events (act, actor, target, address, factor, result, detail)
      SELECT 'sign-in', 'anonymous', ${target}, ${address}, 'pwd', 'failure', jsonb_strip_nulls(jsonb_build_object(
               'device', ${attempt.deviceId ?? null}::text, 'unwritten', nullif(${unwritten}::int, 0),
               'delayed_until', max(locked_until)))
        FROM sign_in_failures WHERE subject = ANY(${subjects}::text[]) AND locked_until > ${this.clock.now()}`);
  }

  /** Forgets what probes counted at addresses of their own. */
  async forget(email: string, networks: readonly string[]): Promise<void> {
    const subjects = networks.flatMap((network) => [
      networkSubject(network, this.digests),
      pairSubject(email, network, this.digests),
    ]);
    const account = accountSubject(email, this.digests);
    await this.database.query(sql`
      DELETE FROM sign_in_failures WHERE subject = ANY(${[account, ...subjects]}::text[])`);
  }

  /** Removes up to `limit` counts that are of no consequence any more. */
  async prune(limit: number): Promise<void> {
    const before = addSeconds(this.clock.now(), -FORGET_AFTER);
    await this.database.query(sql`
      DELETE FROM sign_in_failures
       WHERE subject IN (SELECT subject FROM sign_in_failures WHERE last_failed_at < ${before} LIMIT ${limit})`);
  }

  private limitsOf(attempt: Attempt): Limit[] {
    return limitsOf(attempt, this.free, this.digests);
  }

  private async delayOf(limits: readonly Limit[], now: Date): Promise<Delay> {
    const told = limits.filter(({ saysMailed }) => saysMailed).map(({ subject }) => subject);
    const [delay] = await this.database.query<{ until: Date | null; by_mail: boolean | null }>(sql`
      SELECT max(locked_until) AS until, bool_or(subject = ANY(${told}::text[])) AS by_mail
        FROM sign_in_failures
       WHERE subject = ANY(${limits.map(({ subject }) => subject)}::text[]) AND locked_until > ${now}`);
    return { until: delay?.until ?? now, byMail: this.sendsMail && (delay?.by_mail ?? false) };
  }

  /**
   * Takes from each count as many failures as `share` has, or `failures`; a count with none left ends. The try that is
   * taken back was let go on, so that nothing delayed anybody before it: nor does anything after it.
   */
  private async subtract(limits: readonly Limit[], share: string, failures: number): Promise<void> {
    await this.database.query(sql`
      WITH limits AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(limits)}::jsonb)
          AS l(subject text, free int)
      ), counted AS (
        SELECT subject, failures FROM sign_in_failures
         WHERE subject = ANY(${limits.map(({ subject }) => subject)}::text[])
         ORDER BY subject FOR UPDATE
      ), less AS (
        SELECT subject,
               failures - coalesce((SELECT failures FROM counted WHERE subject = ${share}), ${failures}::int) AS failures
          FROM counted
      ), ended AS (
        DELETE FROM sign_in_failures f USING less WHERE f.subject = less.subject AND less.failures <= 0
      )
      UPDATE sign_in_failures f
         SET failures = less.failures, mail_due = f.mail_due AND less.failures >= l.free,
             locked_until = '-infinity'
        FROM less JOIN limits AS l USING (subject)
       WHERE f.subject = less.subject AND less.failures > 0`);
  }
}

function accountOf(row: CountedRow): SignInAccount | undefined {
  if (row.id === null) return undefined;
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    disabledAt: row.disabled_at,
    passwordHash: row.password_hash ?? undefined,
    hasSecondFactor: row.has_second_factor,
    passwordLengthKnown: row.password_length_known,
  };
}

function deviceOf({ device_id: id, secret_sha256 }: CountedRow): DeviceRow | undefined {
  return id === null ? undefined : { id, secret_sha256 };
}
