import { randomFraction } from '#platform';

/** RFC 8628 §6.1: no vowels, so that no code spells a word; 20^8 codes. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const LENGTH = 8;
const USER_CODE = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`);
/** What people put between characters: spaces, and every mark that a keyboard writes for a dash. */
const SEPARATORS = /[\s.,_·\p{Pd}]/gu;
const LONGEST_INPUT = 64;

/** A new code, without its dash. */
export function newUserCode(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[Math.floor(randomFraction() * ALPHABET.length)]).join(
    '',
  );
}

/**
 * RFC 8628 §6.1: typed in any case, with or without punctuation.
 * @returns the code without its dash, or undefined when the text can be none
 */
export function readUserCode(text: string | undefined): string | undefined {
  if (text === undefined || text.length > LONGEST_INPUT) return undefined;
  const bare = text.replace(SEPARATORS, '');
  // ASCII alone is raised: other letters too become capitals of the alphabet
  const code = bare.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  return USER_CODE.test(code) ? code : undefined;
}

/** As devices and pages show it: `XXXX-XXXX`. */
export function formatUserCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}
