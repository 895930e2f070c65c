import { createHash } from 'node:crypto';
import type { Client } from 'pg';

/** Authorizations that one person's session led to. */
const PER_SESSION = 10;
const BATCH = 50_000;

/** The identity of a generated authorization, by its number from 1 on; the statements below make the same. */
export function generatedAuthorization(number: number): { id: string; rowSecret: Buffer } {
  const digest = createHash('md5').update(`authorization ${number}`).digest('hex');
  return {
    id: digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    rowSecret: createHash('md5').update(`row secret ${number}`).digest(),
  };
}

/**
 * Numbers from 1 to `rows`, evenly spread over them and in no order: people do not refresh page by page, which would
 * leave no room in a page for the new versions of all its rows at once.
 */
export function sampleOf(rows: number, count: number): number[] {
  const size = Math.min(rows, count);
  return Array.from({ length: size }, (_, index) => 1 + Math.floor((index * rows) / size))
    .map((number) => ({ number, place: generatedAuthorization(number).id }))
    .sort((one, other) => (one.place < other.place ? -1 : 1))
    .map(({ number }) => number);
}

/** Replaces columns by expressions over `i`, the number of the copy. */
type Changes = Readonly<Record<string, string>>;

interface Copies {
  readonly table: string;
  /** Which row is copied: a condition over $1. */
  readonly which: string;
  readonly key: string;
  readonly changes: Changes;
}

/**
 * Copies a living authorization, with a person and a session for every ten, to the numbers `from` … `to`. Everything
 * else of the rows is as the server itself wrote it, so this need not know their columns.
 */
export async function generateAuthorizations(
  client: Client,
  template: { readonly authorizationId: string; readonly sessionId: string; readonly userId: string },
  range: { readonly from: number; readonly to: number },
  progress: (done: number) => void = () => undefined,
): Promise<void> {
  const person = "md5('person ' || (i))::uuid";
  const session = "md5('session ' || (i))::uuid";
  const group = (expression: string) => expression.replace('(i)', `((i - 1) / ${PER_SESSION})`);
  const groups: readonly Copies[] = [
    {
      table: 'users',
      which: 'id = $1',
      key: template.userId,
      changes: { id: person, email: "'person-' || i || '@generated.example'" },
    },
    { table: 'memberships', which: 'user_id = $1', key: template.userId, changes: { user_id: person } },
    {
      table: 'sessions',
      which: 'id = $1',
      key: template.sessionId,
      changes: { id: session, user_id: person, secret_sha256: "sha256(('session ' || i)::bytea)" },
    },
  ];
  const authorizations: Copies = {
    table: 'authorizations',
    which: 'id = $1',
    key: template.authorizationId,
    changes: {
      id: "md5('authorization ' || i)::uuid",
      row_secret: "decode(md5('row secret ' || i), 'hex')",
      user_id: group(person),
      session_id: group(session),
      // as if they had come over four weeks
      expires_at: "now() + interval '1 day' + (i % 2419200) * interval '1 second'",
    },
  };
  for (let from = range.from; from <= range.to; from += BATCH) {
    const to = Math.min(range.to, from + BATCH - 1);
    const first = Math.floor((from - 1) / PER_SESSION);
    for (const copies of groups) await copy(client, copies, first, Math.floor((to - 1) / PER_SESSION));
    await copy(client, authorizations, from, to);
    progress(to);
  }
  for (const { table } of [...groups, authorizations]) await client.query(`VACUUM (ANALYZE) ${table}`);
}

/** Copies of the one row that `which` finds; those that are there already stay. */
export async function copy(
  client: Client,
  { table, which, key, changes }: Copies,
  from: number,
  to: number,
): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [table],
  );
  const columns = rows.map(({ name }) => name);
  await client.query(
    `INSERT INTO ${table} (${columns.join(', ')})
     SELECT ${columns.map((column) => changes[column] ?? `template.${column}`).join(', ')}
       FROM (SELECT * FROM ${table} WHERE ${which}) template, generate_series($2::int, $3::int) i
         ON CONFLICT DO NOTHING`,
    [key, from, to],
  );
}
