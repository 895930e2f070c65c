import { Injectable } from '@nestjs/common';
import {
  addSeconds,
  Clock,
  Database,
  KeyEncryption,
  sha256,
  sql,
  type FormFields,
  type Transaction,
} from '#platform';

/** RFC 9126 §2.2: short, since the client redirects at once. */
export const PUSHED_REQUEST_SECONDS = 90;
/** From the first visit on a person may have to sign in, choose and consent. */
const INTERACTION_SECONDS = 3600;

export interface PushedRequest {
  readonly parameters: FormFields;
  readonly createdAt: Date;
}

export const pushedEnvelopeContext = (referenceSha256: Buffer) =>
  `pushed-request:${referenceSha256.toString('hex')}`;

/** Authorization requests that clients pushed (RFC 9126), until they are answered. */
@Injectable()
export class PushedRequestRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly encryption: KeyEncryption,
  ) {}

  async push(reference: string, clientId: string, parameters: FormFields): Promise<void> {
    const now = this.clock.now();
    const digest = sha256(reference);
    const text = Buffer.from(JSON.stringify(parameters));
    const envelope = this.encryption.encrypt(text, pushedEnvelopeContext(digest));
    await this.database.query(sql`
      INSERT INTO pushed_requests (reference_sha256, client_id, parameters_envelope, created_at, expires_at)
      VALUES (${digest}, ${clientId}, ${envelope}, ${now}, ${addSeconds(now, PUSHED_REQUEST_SECONDS)})`);
  }

  /** The request as a browser brings it: the first visit must come in time, later ones within an hour of it. */
  async visit(reference: string, clientId: string): Promise<PushedRequest | undefined> {
    const now = this.clock.now();
    const digest = sha256(reference);
    const [row] = await this.database.query<{ envelope: string; createdAt: Date }>(sql`
      UPDATE pushed_requests
         SET visited_at = coalesce(visited_at, ${now}),
             expires_at = coalesce(visited_at, ${now}) + make_interval(secs => ${INTERACTION_SECONDS})
       WHERE reference_sha256 = ${digest} AND client_id = ${clientId} AND expires_at > ${now}
      RETURNING parameters_envelope AS envelope, created_at AS "createdAt"`);
    const parameters = row && this.opened(row.envelope, digest);
    return parameters && { parameters, createdAt: row.createdAt };
  }

  /** Undefined under a key that is not in the ring: the client pushes its request again. */
  private opened(envelope: string, digest: Buffer): FormFields | undefined {
    try {
      const text = this.encryption.decrypt(envelope, pushedEnvelopeContext(digest)).toString();
      return JSON.parse(text) as FormFields;
    } catch {
      return undefined;
    }
  }

  /**
   * Uses the request up (RFC 9126 §2.2).
   * @returns false when it has been used already
   */
  async spend(reference: string, on: Database | Transaction = this.database): Promise<boolean> {
    const spent = await on.query(sql`
      DELETE FROM pushed_requests WHERE reference_sha256 = ${sha256(reference)} RETURNING client_id`);
    return spent.length > 0;
  }
}
