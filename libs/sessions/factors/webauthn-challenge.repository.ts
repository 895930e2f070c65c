import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Database, sql } from '#platform';

export type ChallengePurpose = 'register' | 'second-factor' | 'sign-in';

/** A challenge is for one browser and one purpose, and for one person when it is known who. */
export interface ChallengeFor {
  /** Digest of the browser's cookie. */
  readonly browser: Buffer;
  readonly purpose: ChallengePurpose;
  readonly userId: string | null;
}

export const CHALLENGE_SECONDS = 300;
/** Tabs of one browser that may each wait with a challenge of their own. */
const MOST_PER_BROWSER = 10;

@Injectable()
export class WebAuthnChallengeRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Keeps a challenge; of those that this browser was given before, the newest ones go on. */
  async keep(challenge: string, { browser, purpose, userId }: ChallengeFor): Promise<void> {
    await this.database.query(sql`
      WITH dropped AS (
        DELETE FROM webauthn_challenges
         WHERE challenge IN (SELECT challenge FROM webauthn_challenges WHERE browser_sha256 = ${browser}
                              ORDER BY expires_at DESC OFFSET ${MOST_PER_BROWSER - 1})
      )
      INSERT INTO webauthn_challenges (challenge, browser_sha256, purpose, user_id, expires_at)
      VALUES (${challenge}, ${browser}, ${purpose}, ${userId}, ${addSeconds(this.clock.now(), CHALLENGE_SECONDS)})`);
  }

  /** Uses a challenge up. @returns false when there is none for this browser, purpose and person any more */
  async spend(challenge: string, { browser, purpose, userId }: ChallengeFor): Promise<boolean> {
    const spent = await this.database.query(sql`
      DELETE FROM webauthn_challenges
       WHERE challenge = ${challenge} AND browser_sha256 = ${browser} AND purpose = ${purpose}
         AND user_id IS NOT DISTINCT FROM ${userId}::uuid AND expires_at > ${this.clock.now()}
      RETURNING challenge`);
    return spent.length > 0;
  }

  /** Removes up to `limit` that nobody can answer any more. */
  async prune(limit: number): Promise<void> {
    await this.database.query(sql`
      DELETE FROM webauthn_challenges
       WHERE challenge IN (SELECT challenge FROM webauthn_challenges WHERE expires_at <= ${this.clock.now()}
                            LIMIT ${limit})`);
  }
}
