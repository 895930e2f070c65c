import { contextWords, shortestPassword, type PasswordUse } from '#accounts';

/** What a hint is made of, beside the password. */
export interface HintFacts {
  readonly shortest: number;
  /** Small letters, the longest first. */
  readonly words: readonly string[];
}

export function hintFacts(use: PasswordUse): HintFacts {
  return { shortest: shortestPassword(use), words: contextWords(use.about ?? []) };
}

/**
 * How good a password is while it is typed, as a sentence; the policy itself looks when it is sent. It runs in the
 * browser too, and so uses nothing but its parameters.
 */
export function passwordHint(password: string, { shortest, words }: HintFacts): string {
  const length = [...password.normalize('NFC')].length;
  if (length === 0) {
    return `At least ${shortest} characters. A few unrelated words make a good password; digits and signs are not needed.`;
  }
  if (length < shortest) return `Too short: ${length} of at least ${shortest} characters.`;
  if (length > 128) return 'Too long: a password has at most 128 characters.';
  const folded = password.normalize('NFKC').toLowerCase();
  if (/^(.{1,7}?)\1+$/su.test(folded)) return 'Weak: it is the same few characters again and again.';
  const rest = words.reduce((text, word) => text.replaceAll(word, ' '), folded);
  if (rest !== folded && [...rest.replace(/[\s\p{P}\p{S}]/gu, '')].length < 6) {
    return 'Weak: it is made of your name, your address, your organization, the name of this service or the word “password”.';
  }
  const elsewhere = /[^ -~]/.test(password)
    ? ' Another keyboard may not have all of its characters: make sure that you can type it everywhere.'
    : '';
  return `Long enough: ${length} characters. When it is sent, it is looked for among the passwords that attackers try first.${elsewhere}`;
}

/** The hint below the sentence by which a password was refused: what it says of the length, and nothing beside that sentence. */
export function hintBelow(error: string | undefined, password: string, facts: HintFacts): string {
  const hint = passwordHint(password, facts);
  return error !== undefined && !hint.startsWith('Too') ? passwordHint('', facts) : hint;
}

/** The script of pages on which a password is chosen; without it the hint is made again when the form was sent. */
export const PASSWORD_HINT_SCRIPT = `${passwordHint.toString()}
const hint = document.getElementById('password-hint');
const { shortest, words } = JSON.parse(hint.dataset.facts);
const password = document.getElementById('password');
const name = document.getElementById('name');
const show = () => {
  const own = (name ? name.value : '').normalize('NFKC').toLowerCase().split(/[^\\p{L}\\p{N}]+/u);
  const all = [...words, ...own.filter((word) => [...word].length > 2)].sort((a, b) => b.length - a.length);
  const text = passwordHint(password.value, { shortest, words: all });
  if (hint.textContent !== text) hint.textContent = text;
};
for (const field of [password, name]) if (field) field.addEventListener('input', show);
`;
