import { emailProblem, normalizeEmail } from '#accounts';

/** What keeps an address from being somebody's next one, in words for them. @param current as it is normalized */
export function newAddressProblem(email: string, current: string): string | undefined {
  return normalizeEmail(email) === current ? 'This is your address already.' : emailProblem(email);
}
