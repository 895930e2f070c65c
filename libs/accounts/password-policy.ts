const minimumLength = 15;
const maximumLength = 128;

/** NIST SP 800-63B-4 §3.1.1.2: the same characters typed on another keyboard give the same password. */
export function normalizePassword(password: string): string {
  return password.normalize('NFC');
}

/**
 * What is wrong with a new password, as a sentence for the person who chose it; undefined when it is acceptable.
 * NIST SP 800-63B-4 §3.1.1.2: 15 characters when it is the only factor, each code point counts as one, and no
 * rules of composition.
 */
export function passwordProblem(password: string): string | undefined {
  const length = [...normalizePassword(password)].length;
  if (length < minimumLength) {
    return `Choose a password of at least ${minimumLength} characters; a few unrelated words make a good one.`;
  }
  return length > maximumLength ? `Choose a password of at most ${maximumLength} characters.` : undefined;
}
