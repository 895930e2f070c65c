import { Database, MailSealer, sql } from '#platform';
import { PasswordRepository } from '#sessions';
import type { World } from './world.js';

/**
 * Ends a password as `accounts reset-password` does.
 * @param hash of the password that is theirs from then on
 * @returns how many sessions ended; undefined for who has no password
 */
export async function endPassword(
  { app }: Pick<World, 'app'>,
  userId: string,
  hash: string | null = null,
): Promise<number | undefined> {
  const notice = app
    .get(MailSealer)
    .seal({ to: 'somebody@acme.example', subject: 'A notice', paragraphs: [] });
  const ended = await app.get(PasswordRepository).end(userId, 'test', notice);
  await app.get(Database).query(sql`UPDATE users SET password_hash = ${hash} WHERE id = ${userId}`);
  return ended;
}
