import { Injectable } from '@nestjs/common';
import type { Actor } from '#observability';
import {
  addSeconds,
  Clock,
  Configuration,
  Database,
  MailSealer,
  PublicError,
  randomSecret,
  randomUUID,
  sha256,
  sql,
} from '#platform';
import { emailProblem, normalizeEmail } from './email-address.js';
import { INVITATION_SECONDS } from './invitation.js';
import { invitationMail } from './organization-mails.js';

/** Invitations to an account alone: how a service gets its first people. */
@Injectable()
export class AccountInvitationRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly sealer: MailSealer,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Lets whoever reads the mailbox choose a password, and thereby have the account.
   * @throws PublicError 400 `invalid_email`; 409 `email_taken`
   */
  async invite(invited: { email: string; name?: string | undefined }, by: Actor): Promise<void> {
    const email = normalizeEmail(invited.email);
    const unfit = emailProblem(email);
    if (unfit !== undefined) throw new PublicError(400, 'invalid_email', unfit);
    const now = this.clock.now();
    const secret = randomSecret();
    const expiresAt = addSeconds(now, INVITATION_SECONDS);
    const { issuer } = this.configuration;
    const mail = this.sealer.seal(
      invitationMail({ to: email, organization: undefined, inviter: undefined, issuer, secret, expiresAt }),
    );
    const detail = JSON.stringify({ account: true, ...(invited.name ? { name: invited.name } : {}) });
    const saved = await this.database.query(sql`
      WITH saved AS (
        INSERT INTO one_time_tokens (id, secret_sha256, purpose, email, detail, created_at, expires_at)
        SELECT ${randomUUID()}, ${sha256(secret)}, 'invitation', ${email}, ${detail}::jsonb, ${now}, ${expiresAt}
         WHERE NOT EXISTS (SELECT FROM users WHERE email = ${email})
        RETURNING id
      ), mail AS (
        INSERT INTO mails (id, mail_envelope) SELECT ${mail.id}, ${mail.envelope} FROM saved
      )
      INSERT INTO audit_events (act, actor, address, factor, client_id, target)
      SELECT 'account.invite', ${by.id}, ${by.address}, ${by.factor}, ${by.client ?? null}, id FROM saved
      RETURNING id`);
    if (saved.length === 0) {
      throw new PublicError(409, 'email_taken', 'There is an account with this e-mail address already.');
    }
  }
}
