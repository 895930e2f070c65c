import { domainToASCII, domainToUnicode } from 'node:url';
import { isEmail } from 'class-validator';

/** RFC 5321 §4.5.3.1.3, without the angle brackets */
const LONGEST = 254;
/** Longer texts are no address in any spelling, and to normalize them takes long. */
const WORTH_NORMALIZING = 1024;

/** Scripts of living languages (UAX 31 table 5): a name is written in one of them. */
const SCRIPTS =
  'Arabic Armenian Bengali Bopomofo Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Han Hangul Hebrew Hiragana Kannada Katakana Khmer Lao Latin Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan';

/** UTS 39 §5.2, "highly restrictive": one script, or one of those that East Asia mixes with Latin. */
const SCRIPT_SETS = [
  ...SCRIPTS.split(' ').map((script) => [script]),
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
].map(oneOf);

function oneOf(scripts: readonly string[]): RegExp {
  const classes = ['Common', 'Inherited', ...scripts].map((script) => `\\p{Script_Extensions=${script}}`);
  return new RegExp(`^[${classes.join('')}]*$`, 'u');
}

/**
 * One spelling per mailbox: no outer space, composed characters (NFC), small letters, and the domain as it is looked up
 * (RFC 5891 §4.4), so that one which only looks like another is seen to be none: `xn--cme-6cd.example`.
 */
export function normalizeEmail(email: string): string {
  if (email.length > WORTH_NORMALIZING) return email;
  const text = email.trim().normalize('NFC').toLowerCase();
  const at = text.lastIndexOf('@');
  const domain = at < 0 ? '' : domainToASCII(text.slice(at + 1));
  return domain === '' ? text : `${text.slice(0, at)}@${domain}`;
}

export function isEmailAddress(email: string): boolean {
  return emailProblem(email) === undefined;
}

/** What is wrong with an address, as a sentence for the person who typed it; undefined when mail may be sent to it. */
export function emailProblem(email: string): string | undefined {
  const normalized = normalizeEmail(email);
  const at = normalized.lastIndexOf('@');
  const [local, domain] = [normalized.slice(0, at), normalized.slice(at + 1)];
  if (normalized.length > LONGEST) return 'This address is too long for an e-mail address.';
  // invisible characters, and others of which nothing can be seen; quoted names (RFC 5321 §4.1.2), which mail is not sent to
  if (
    /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u.test(normalized) ||
    local.includes('"') ||
    !isEmail(normalized)
  ) {
    return 'This is not an e-mail address. It has the form name@example.com.';
  }
  // UTS 39 §3.1: wide and other compatibility characters look like the plain ones; §5.2: so do letters of other scripts
  const labels = [local, ...domainToUnicode(domain).split('.')];
  if (
    local.normalize('NFKC') !== local ||
    !labels.every((label) => SCRIPT_SETS.some((set) => set.test(label)))
  ) {
    return 'This address mixes letters of several alphabets that look alike. Type it again by hand.';
  }
  return undefined;
}
