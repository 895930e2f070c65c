import { LONGEST_NAME, normalizeName } from './person-name.js';

/**
 * Control characters, halves of characters, what stands for a byte that could not be read, and those that turn the
 * direction of what follows: a name could pose as another by them.
 */
const DISORDER = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]/u;

/** What is wrong with what an organization or a role would be called, as a sentence; undefined when nothing. */
export function displayNameProblem(name: string): string | undefined {
  const normalized = normalizeName(name);
  if (normalized === '') return 'Enter a name.';
  if ([...normalized].length > LONGEST_NAME) return `A name has at most ${LONGEST_NAME} characters.`;
  return DISORDER.test(normalized) ? 'A name is one line, without control characters.' : undefined;
}
