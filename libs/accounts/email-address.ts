import { isEmail } from 'class-validator';

/** One spelling per mailbox: no outer space, composed characters (NFC), small letters. */
export function normalizeEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}

export function isEmailAddress(email: string): boolean {
  return isEmail(email);
}
