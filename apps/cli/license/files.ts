import {
  closeSync,
  createReadStream,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { UsageError } from './outcome.js';

/** Bytes of a license file or of a set of keys that are read; none comes near it. */
const MOST_BYTES = 1_048_576;

/**
 * A small text file, of which no more is read than shows that it is too large.
 * @throws UsageError `unreadable_file`
 */
export async function readText(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: MOST_BYTES })) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new UsageError('unreadable_file', `The file ${path} cannot be read (${reasonOf(error)}).`);
  }
  return requireSmall(Buffer.concat(chunks), path).toString('utf8');
}

/** @throws UsageError `unreadable_file` */
export function requireSmall(content: Buffer, where: string): Buffer {
  if (content.length <= MOST_BYTES) return content;
  throw new UsageError('unreadable_file', `${where} has more than 1 MiB: it is something else.`);
}

/**
 * A file that is made before what it will hold, so that what cannot be written is not begun. It replaces nothing that
 * exists unless `force`, and then whole.
 */
export class OutputFile {
  private readonly beside: string;
  private readonly descriptor: number;

  /** @throws UsageError `file_exists`, `unwritable_file` */
  constructor(
    readonly path: string,
    private readonly force: boolean,
  ) {
    if (force && lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) {
      throw new UsageError('unwritable_file', `${path} is no file: nothing replaces it. Name another.`);
    }
    this.beside = force ? `${path}.new` : path;
    try {
      this.descriptor = openSync(this.beside, force ? 'w' : 'wx');
    } catch (error) {
      throw reasonOf(error) === 'EEXIST'
        ? new UsageError('file_exists', `${path} is there already: name another file, or add --force.`)
        : unwritable(path, error);
    }
  }

  /** @throws UsageError `unwritable_file` */
  finish(text: string): void {
    try {
      try {
        writeFileSync(this.descriptor, text);
        fsyncSync(this.descriptor);
      } finally {
        closeSync(this.descriptor);
      }
      if (this.force) renameSync(this.beside, this.path);
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  /** Leaves everything as it was. */
  abandon(): void {
    closeSync(this.descriptor);
    rmSync(this.beside, { force: true });
  }
}

function unwritable(path: string, error: unknown): UsageError {
  return new UsageError('unwritable_file', `${path} cannot be written (${reasonOf(error)}).`);
}

export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
