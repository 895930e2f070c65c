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

/** What is wrong with the name of a person, as a sentence; undefined when it is acceptable. */
export function nameProblem(name: string): string | undefined {
  const normalized = normalizeName(name);
  // joiners stand in names of several languages
  const visible = normalized.replace(/[\u200c\u200d]/g, '');
  if (visible === '') return 'Enter your name.';
  if ([...normalized].length > LONGEST_NAME) return `A name has at most ${LONGEST_NAME} characters.`;
  // the last one stands for a byte that could not be read
  if (/[\p{C}\p{Zl}\p{Zp}\ufffd]/u.test(visible))
    return 'The name contains characters that cannot be seen. Type it again.';
  // RFC 3986: a name that is an address would be a link wherever it is shown
  return /:\/\//.test(normalized) ? 'This is an address and not a name.' : undefined;
}
