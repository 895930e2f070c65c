/** What a command answers: for a person, or with `--json` for a machine. */
export interface Outcome {
  /** 0 done or allowed, 1 refused or denied, 2 not tried: wrong arguments, or a file that cannot be read. */
  readonly exit: 0 | 1 | 2;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Nothing was tried, because of what the command was given. */
export class UsageError extends Error {
  constructor(
    readonly code: string,
    sentence: string,
  ) {
    super(sentence);
    this.name = 'UsageError';
  }
}

/** An instant of a file as people read it; a number that is none stays a number. */
export function instantOf(numericDate: number): string {
  const at = new Date(numericDate * 1000);
  return Number.isNaN(at.getTime()) ? String(numericDate) : at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** JSON of what a stranger wrote, without the characters by which it could move a terminal's cursor or turn its text. */
export function harmlessJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
