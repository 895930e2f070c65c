/** Of a person, an organization or a role, in characters. */
export const LONGEST_NAME = 100;
/** Longer texts are no name in any spelling, and to normalize them takes long. */
const WORTH_NORMALIZING = 1024;

/** One spelling: composed characters (NFC), no outer space, one space between words. */
export function normalizeName(name: string): string {
  if (name.length > WORTH_NORMALIZING) return name;
  return name
    .normalize('NFC')
    .replace(/[\t\n\r ]+/g, ' ')
    .trim();
}

/** Letters, digits, punctuation and symbols, save those that show nothing: fillers, and the blank of braille. */
const VISIBLE = /(?!\p{Default_Ignorable_Code_Point}|\u2800)[\p{L}\p{N}\p{P}\p{S}]/u;

/** Whether anything of a name can be seen. */
export function isVisible(name: string): boolean {
  return VISIBLE.test(name);
}

/**
 * Whether a name has characters that cannot be seen, or that turn the direction of what follows: it could pose as
 * another by them. Joiners stand in names of several languages; U+FFFD stands for a byte that could not be read.
 */
export function hasUnseen(name: string): boolean {
  return /[\p{C}\p{Zl}\p{Zp}\ufffd]/u.test(name.replace(/[\u200c\u200d]/g, ''));
}

/** What programs that show mail make a link of: an address, or what looks like the name of a host. */
const LINKED = /:\/\/|\bwww\.|[\p{L}\p{N}-]{2}\.\p{L}{2}/iu;

/**
 * Why a name that people choose for themselves is none, since it stands in mails to others: it would be a link there,
 * or speak for the service.
 */
export function posingProblem(name: string): string | undefined {
  if (LINKED.test(name)) {
    return 'This reads as an address on the web and not as a name. If it is none, put a space after the dot.';
  }
  const folded = name.normalize('NFKC').toLowerCase();
  return folded.replace(/[^\p{L}\p{N}]/gu, '').includes('coreauth')
    ? 'This is what the service itself is called. Choose another name.'
    : undefined;
}

/** What is wrong with the name of a person, as a sentence; undefined when it is acceptable. */
export function nameProblem(name: string): string | undefined {
  const normalized = normalizeName(name);
  if ([...normalized].length > LONGEST_NAME) return `A name has at most ${LONGEST_NAME} characters.`;
  if (hasUnseen(normalized)) return 'The name contains characters that cannot be seen. Type it again.';
  if (!isVisible(normalized)) return 'Enter your name.';
  return posingProblem(normalized);
}
