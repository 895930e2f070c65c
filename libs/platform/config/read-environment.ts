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
  prefix: string,
): string[] {
  const names = new Set(known.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !names.has(name) && !SERVICE_LINK.test(name))
    .map((name) => {
      const near = [...names].find((candidate) => isNear(name, candidate));
      return `${name} is not a setting${near ? `; did you mean ${near}?` : ''}`;
    });
}

function isNear(a: string, b: string): boolean {
  const letters = (name: string) => name.replaceAll('_', '');
  return letters(a) === letters(b) || a.startsWith(b) || b.startsWith(a);
}
