import type { KeyEncryption } from '#platform';
import type { EnvelopeColumn, EnvelopeRepository, Replacement } from './envelopes.repository.js';
import { terminal } from './terminal.js';

const BATCH = 100;

interface Outcome {
  readonly done: number;
  /** Rows whose envelope no key of the ring opens. */
  readonly closed: readonly string[];
}

/**
 * Encrypts everything that the database keeps anew under the first key-encryption key, so that the others can be taken
 * out of the ring. What a server changes meanwhile is left as the server wrote it.
 */
export async function rewrap(
  envelopes: EnvelopeRepository,
  encryption: KeyEncryption,
  actor: string,
): Promise<number> {
  const there = await envelopes.columnNames();
  const columns = envelopes.columns.filter(({ name }) => there.includes(name));
  const unknown = there.filter((name) => !columns.some((column) => column.name === name));
  if (unknown.length > 0) {
    terminal.complain(`This release does not know ${unknown.join(', ')}: run the one that migrated last.`);
    return 1;
  }
  const [first = '', ...others] = encryption.kids;
  let done = 0;
  const closed: string[] = [];
  for (const column of columns) {
    const outcome = await rewrapColumn(column, encryption, first, actor);
    done += outcome.done;
    closed.push(...outcome.closed.map((id) => `${column.name} of ${id}`));
  }
  terminal.say(`${done} ${done === 1 ? 'envelope was' : 'envelopes were'} encrypted anew under "${first}".`);
  if (closed.length > 0) {
    terminal.complain(
      `No key of the ring opens ${closed.join(', ')}. ` +
        'Put the key that it is under back into CORE_AUTH_KEY_ENCRYPTION_KEYS, behind the first, and run this again.',
    );
    return 1;
  }
  const left = (await Promise.all(columns.map((column) => column.notUnder(first, '', BATCH)))).flat();
  if (left.length > 0) {
    terminal.complain(
      'A server wrote under another key meanwhile: give every server the same first key, restart it, and run this again.',
    );
    return 1;
  }
  terminal.say(
    others.length === 0
      ? 'Everything is under that key.'
      : `Everything is under that key: once every server runs with it as the first, take ${others.map((kid) => `"${kid}"`).join(', ')} out of CORE_AUTH_KEY_ENCRYPTION_KEYS and restart the servers one by one. Backups from before still need ${others.length === 1 ? 'it' : 'them'}.`,
  );
  return 0;
}

async function rewrapColumn(
  column: EnvelopeColumn,
  encryption: KeyEncryption,
  first: string,
  actor: string,
): Promise<Outcome> {
  let done = 0;
  for (;;) {
    const pass = await rewrapOnce(column, encryption, first, actor);
    done += pass.done;
    // what somebody else was just changing is come back to
    if (pass.done === 0) return { done, closed: pass.closed };
  }
}

async function rewrapOnce(
  column: EnvelopeColumn,
  encryption: KeyEncryption,
  first: string,
  actor: string,
): Promise<Outcome> {
  let done = 0;
  const closed: string[] = [];
  let last = '';
  for (;;) {
    const batch = await column.notUnder(first, last, BATCH);
    const replacements: Replacement[] = [];
    for (const { id, envelope, context } of batch) {
      const plaintext = opened(encryption, envelope, context);
      if (plaintext)
        replacements.push({ id, old: envelope, envelope: encryption.encrypt(plaintext, context) });
      else closed.push(id);
      last = id;
    }
    if (replacements.length > 0) done += await column.replace(replacements, actor);
    if (batch.length < BATCH) return { done, closed };
  }
}

function opened(encryption: KeyEncryption, envelope: string, context: string): Buffer | undefined {
  try {
    return encryption.decrypt(envelope, context);
  } catch {
    return undefined;
  }
}
