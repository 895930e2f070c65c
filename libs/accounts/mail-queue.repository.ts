import { sql, type Mail, type MailSealer, type Transaction } from '#platform';

/** Queues mails that leave when the transaction commits. */
export async function queueMails(
  transaction: Transaction,
  sealer: MailSealer,
  mails: readonly Mail[],
): Promise<void> {
  const sealed = mails.map((mail) => sealer.seal(mail));
  await transaction.query(sql`
    INSERT INTO mails (id, mail_envelope)
    SELECT * FROM unnest(${sealed.map(({ id }) => id)}::uuid[], ${sealed.map(({ envelope }) => envelope)}::text[])`);
}
