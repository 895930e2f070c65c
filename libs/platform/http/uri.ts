/** RFC 3986 §2: a URI holds no other characters, and a percent sign only before two digits. */
export const URI_CHARACTERS = /^([!#$&-;=?-Z[\]_a-z~]|%[\dA-F]{2})+$/i;

const LONGEST = 2048;

/**
 * The absolute URI (RFC 3986 §4.3) that `text` is, fragment and all. A browser's parser alone would overlook characters,
 * mend others and read a URI where another parser reads a different one, or none.
 * @param longest characters
 * @returns undefined when it is none, or longer
 */
export function parseUri(text: string, longest = LONGEST): URL | undefined {
  if (text.length > longest || !URI_CHARACTERS.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}
