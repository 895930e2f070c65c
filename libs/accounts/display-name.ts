import { hasUnseen, isVisible, LONGEST_NAME, normalizeName, posingProblem } from './person-name.js';

/** What is wrong with what an organization or a role would be called, as a sentence; undefined when nothing. */
export function displayNameProblem(name: string): string | undefined {
  const normalized = normalizeName(name);
  if ([...normalized].length > LONGEST_NAME) return `A name has at most ${LONGEST_NAME} characters.`;
  if (hasUnseen(normalized)) {
    return 'A name is one line, without control characters and others that cannot be seen.';
  }
  return isVisible(normalized) ? undefined : 'Enter a name.';
}

/** As displayNameProblem, of what a person would call an organization, which stands in the mails of its invitations. */
export function organizationNameProblem(name: string): string | undefined {
  return displayNameProblem(name) ?? posingProblem(normalizeName(name));
}
