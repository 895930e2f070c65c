import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import { addSeconds, Clock, Configuration, Database, KeyedDigest, sql } from '#platform';
import {
  accountSubject,
  limitsOf,
  networkSubject,
  pairSubject,
  type Attempt,
  type Limit,
} from './lockout.js';

/** A day without a failure is a fresh start. */
const FORGET_AFTER = 86_400;
/** Of letters about delays, in which their links end too; so much and no more can anyone send somebody. */
const MAIL_PERIOD = 86_400;

export interface Delay {
  readonly until: Date;
  /** Whether it is the account that is closed, so that its owner gets a link by mail. */
  readonly byMail: boolean;
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
    const now = this.clock.now();
    const limits = this.limitsOf(attempt);
    const counted = await this.database.query(sql`
      WITH limits AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(limits)}::jsonb)
          AS l(subject text, "user" uuid, free int, delays jsonb, forgets float8, mails boolean)
      )
      INSERT INTO sign_in_failures AS f (subject, user_id, failures, last_failed_at, locked_until)
      SELECT subject, "user", 1, ${now}, ${now} FROM limits
       WHERE NOT EXISTS (
               SELECT FROM sign_in_failures JOIN limits AS l USING (subject) WHERE locked_until > ${now})
       -- everybody locks rows in this order
       ORDER BY subject
      ON CONFLICT (subject) DO UPDATE
         SET (user_id, failures, last_failed_at, locked_until, mail_due) = (
               SELECT excluded.user_id, counted.failures, excluded.last_failed_at,
                      excluded.last_failed_at + make_interval(secs => CASE
                        WHEN counted.failures < l.free THEN 0
                        ELSE (l.delays ->> least(counted.failures - l.free, jsonb_array_length(l.delays) - 1))::float8
                      END),
                      f.mail_due OR (l.mails AND counted.failures >= l.free
                        AND coalesce(f.mailed_at <= ${addSeconds(now, -MAIL_PERIOD)}, true))
                 FROM limits AS l, LATERAL (
                   SELECT extract(epoch FROM excluded.last_failed_at - f.last_failed_at) AS quiet
                 ) AS since, LATERAL (
                   SELECT 1 + CASE
                     WHEN quiet > ${FORGET_AFTER}::float8 THEN 0
                     ELSE greatest(f.failures - coalesce(floor(quiet / l.forgets), 0)::int, 0)
                   END AS failures
                 ) AS counted
                WHERE l.subject = f.subject)
       WHERE f.locked_until <= ${now}
      RETURNING subject`);
    return counted.length === limits.length ? undefined : this.delayOf(limits, now);
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
   * An administrator opens an account for everybody who was delayed, at once.
   * @returns whether anything had been counted
   */
  async unlock(userId: string, by: Actor): Promise<boolean> {
    const unlocked = await this.database.query(sql`
      WITH opened AS (
        DELETE FROM sign_in_failures WHERE user_id = ${userId}
        RETURNING user_id
      )
      INSERT INTO audit_events (act, actor, target, address, factor)
      SELECT DISTINCT 'account.unlock', ${by.id}, user_id::text, ${by.address}, ${by.factor} FROM opened
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
    const told = limits.filter(({ mails }) => mails).map(({ subject }) => subject);
    const [delay] = await this.database.query<{ until: Date | null; by_mail: boolean | null }>(sql`
      SELECT max(locked_until) AS until, bool_or(subject = ANY(${told}::text[])) AS by_mail
        FROM sign_in_failures
       WHERE subject = ANY(${limits.map(({ subject }) => subject)}::text[]) AND locked_until > ${now}`);
    return { until: delay?.until ?? now, byMail: this.sendsMail && (delay?.by_mail ?? false) };
  }

  /** Takes from each count as many failures as `share` has, or `failures`; a count with none left ends. */
  private async subtract(limits: readonly Limit[], share: string, failures: number): Promise<void> {
    const now = this.clock.now();
    await this.database.query(sql`
      WITH limits AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(limits)}::jsonb)
          AS l(subject text, free int, delays jsonb)
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
             locked_until = ${now}::timestamptz + make_interval(secs => CASE
               WHEN less.failures < l.free THEN 0
               ELSE (l.delays ->> least(less.failures - l.free, jsonb_array_length(l.delays) - 1))::float8
             END)
        FROM less JOIN limits AS l USING (subject)
       WHERE f.subject = less.subject AND less.failures > 0`);
  }
}
