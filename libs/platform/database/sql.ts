import { createHash } from 'node:crypto';

/** A prepared statement: PostgreSQL parses and plans each distinct text once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

const prepared = new WeakMap<TemplateStringsArray, { name: string; text: string }>();

/** Values become parameters; there is no way to splice text into a statement. */
export function sql(strings: TemplateStringsArray, ...values: unknown[]): Statement {
  let known = prepared.get(strings);
  if (!known) {
    const text = strings.reduce((joined, part, index) => `${joined}$${index}${part}`);
    known = { name: createHash('sha256').update(text).digest('base64url').slice(0, 20), text };
    prepared.set(strings, known);
  }
  return { ...known, values };
}
