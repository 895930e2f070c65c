import { isCommonPassword } from './common-passwords.js';

/** NIST SP 800-63B-4 §3.1.1.2: as the only factor, and beside a second one. */
const SHORTEST_ALONE = 15;
const SHORTEST_WITH_SECOND_FACTOR = 8;
const LONGEST = 128;
const TOO_LONG = `Choose a password of at most ${LONGEST} characters.`;
/** Longer texts have too many characters in any spelling, and to normalize them takes long. */
const WORTH_NORMALIZING = 1024;
/** Where a password is made of words that anybody guesses, so many other characters are needed beside them. */
const SHORTEST_REMAINDER = 6;
/** A shorter part of a name says nothing: it is in half of all words. */
const SHORTEST_WORD = 3;
/** Control characters, halves of characters, and what stands for a byte that could not be read. */
const UNTYPABLE = /[\p{Cc}\p{Cs}\ufffd]/u;
/** The words of this product and its subject. */
const PRODUCT_WORDS = ['core auth', 'coreauth', 'password'];

export interface PasswordUse {
  /** Whether the account has a second factor too. */
  readonly secondFactor?: boolean;
  /** What an attacker who knows the account tries first: its address, the person's name, organizations. */
  readonly about?: readonly string[];
}

/** NIST SP 800-63B-4 §3.1.1.2: the same characters typed on another keyboard give the same password. */
export function normalizePassword(password: string): string {
  return password.normalize('NFC');
}

/** The shortest password that is taken. */
export function shortestPassword({ secondFactor = false }: PasswordUse = {}): number {
  return secondFactor ? SHORTEST_WITH_SECOND_FACTOR : SHORTEST_ALONE;
}

/** Whether it is long enough without a second factor too. */
export function standsAlone(password: string): boolean {
  return lengthOf(password) >= SHORTEST_ALONE;
}

/**
 * What is wrong with a new password, as a sentence for the person who chose it; undefined when it is acceptable.
 * NIST SP 800-63B-4 §3.1.1.2: each code point counts as one character, no rules of composition, and none that is
 * commonly used, expected or compromised.
 */
export function passwordProblem(password: string, use: PasswordUse = {}): string | undefined {
  if (password.length > WORTH_NORMALIZING) return TOO_LONG;
  const shortest = shortestPassword(use);
  const length = lengthOf(password);
  if (length < shortest) {
    return `Choose a password of at least ${shortest} characters; a few unrelated words make a good one.`;
  }
  if (length > LONGEST) return TOO_LONG;
  if (UNTYPABLE.test(password)) {
    return 'This password contains characters that no keyboard types, so that you could not give it again. Choose others.';
  }
  if (isExpected(password)) {
    return 'This password is among the first that attackers try. Choose one that nobody would expect; a few unrelated words make a good one.';
  }
  if (isAboutItsOwner(password, use.about ?? [])) {
    return 'This password is made of your name, your address, your organization or the name of this service. Choose words that have nothing to do with them.';
  }
  return undefined;
}

function lengthOf(password: string): number {
  return [...normalizePassword(password)].length;
}

/** Common itself, or one such password or a few characters again and again. */
function isExpected(password: string): boolean {
  const folded = password.normalize('NFKC').toLowerCase();
  const unit = /^(.+?)\1+$/su.exec(folded)?.[1];
  return (
    isCommonPassword(folded) ||
    (unit !== undefined && ([...unit].length < SHORTEST_WITH_SECOND_FACTOR || isCommonPassword(unit)))
  );
}

/** Whether next to nothing, or a common password, is left of it without the words that it was expected to have. */
function isAboutItsOwner(password: string, about: readonly string[]): boolean {
  const words = contextWords(about);
  const folded = password.normalize('NFKC').toLowerCase();
  const rest = words.reduce((text, word) => text.replaceAll(word, ' '), folded);
  if (rest === folded) return false;
  const telling = rest.replace(/[\s\p{P}\p{S}]/gu, '');
  return [...telling].length < SHORTEST_REMAINDER || isCommonPassword(telling);
}

/** Every text as a whole and its parts, the longest first, so that none hides a longer one. */
export function contextWords(about: readonly string[]): string[] {
  const texts = [...PRODUCT_WORDS, ...about].map((text) => text.normalize('NFKC').toLowerCase());
  const parts = texts.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]);
  const words = new Set(parts.filter((word) => [...word].length >= SHORTEST_WORD));
  return [...words].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
}
