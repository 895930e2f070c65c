import { readFileSync } from 'node:fs';

export interface RawSetting {
  readonly name: string;
  readonly secret?: boolean;
}

/**
 * Reads settings from the environment, secrets also from the file that `NAME_FILE` names (one trailing newline is
 * dropped). An empty value counts as not set. Problems are added to `problems`, a sentence each.
 */
export function readEnvironment(
  env: NodeJS.ProcessEnv,
  settings: readonly RawSetting[],
  problems: string[],
): Map<string, string> {
  const values = new Map<string, string>();
  for (const { name, secret } of settings) {
    const direct = env[name];
    const file = secret ? env[`${name}_FILE`] : undefined;
    if (direct && file) problems.push(`${name} and ${name}_FILE are both set; keep one`);
    if (direct) values.set(name, direct);
    else if (file) {
      try {
        values.set(name, readFileSync(file, 'utf8').replace(/\r?\n$/, ''));
      } catch (error) {
        problems.push(
          `${name}_FILE cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`,
        );
      }
    }
  }
  return values;
}

/** Kubernetes adds variables for every Service in the namespace; one named core-auth would look like ours. */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_.+)?)$/;

/** Names that begin as ours do but are none of ours: almost always a misspelling. */
export function unknownSettings(
  env: NodeJS.ProcessEnv,
  known: readonly RawSetting[],
  ...prefixes: readonly string[]
): string[] {
  const names = new Set(known.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));
  const isOurs = (name: string) => prefixes.some((prefix) => name.startsWith(prefix));
  return Object.keys(env)
    .filter((name) => isOurs(name) && !names.has(name) && !SERVICE_LINK.test(name))
    .map((name) => {
      const near = nearest(name, [...names]);
      return `${name} is not a setting${near ? `; did you mean ${near}?` : ''}`;
    });
}

/** Edits that a misspelling is believed to be: two, so that two letters may have changed places. */
const MOST_EDITS = 2;

function nearest(name: string, candidates: readonly string[]): string | undefined {
  const letters = (text: string) => text.replaceAll('_', '');
  let best: string | undefined;
  let fewest = MOST_EDITS + 1;
  for (const candidate of candidates) {
    const edits = editDistance(letters(name), letters(candidate));
    if (edits < fewest) [best, fewest] = [candidate, edits];
  }
  return best ?? candidates.find((candidate) => name.startsWith(candidate) || candidate.startsWith(name));
}

/** Levenshtein distance: letters to insert, remove or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...a].entries()) {
    const next = [index + 1];
    for (const [at, other] of [...b].entries()) {
      const replaced = (row[at] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
