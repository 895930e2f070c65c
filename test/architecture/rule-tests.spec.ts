import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../support/built-process.js';

const FOLDER = 'docs/reference';
const DOCUMENTS = readdirSync(join(REPOSITORY, FOLDER)).filter((name) => name.endsWith('-tests.md'));
/** `| source | rule | `file`: title |` */
const ROW = /^\| [^|]+ \| [^|]+ \| `([^`]+)`: (.+?) +\|$/;

interface Row {
  readonly file: string;
  readonly title: string;
}

/** The rows of a document's tables, and what each of them names; undefined of one that names no test. */
function rowsOf(document: string): { readonly line: string; readonly row: Row | undefined }[] {
  const text = readFileSync(join(REPOSITORY, FOLDER, document), 'utf8');
  const tables = text.match(/^\|.*\n\|[ :|-]+\|\n(\|.*\n)*/gm) ?? [];
  return tables
    .flatMap((table) => table.trimEnd().split('\n').slice(2))
    .map((line) => {
      const [, file = '', title = ''] = ROW.exec(line) ?? [];
      return { line, row: title === '' ? undefined : { file, title } };
    });
}

/** Whether a source has this text as a whole literal, as a title is. */
function hasTitle(source: string, title: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote},`));
}

it('there is a document of rules and their tests for the protocol and for licensing', () => {
  expect(DOCUMENTS).toEqual(expect.arrayContaining(['licensing-tests.md', 'protocol-tests.md']));
});

describe.each(DOCUMENTS)('docs/reference/%s', (document) => {
  const rows = rowsOf(document);

  it('has a test in every row', () => {
    expect(rows.filter(({ row }) => row === undefined).map(({ line }) => line)).toEqual([]);
    expect(rows.length).toBeGreaterThan(50);
  });

  it('names tests that exist', () => {
    const named = rows.flatMap(({ row }) => row ?? []);
    const absent = named.filter(({ file, title }) => !hasTitle(sourceOf(file), title));
    expect(absent).toEqual([]);
  });
});

const sources = new Map<string, string>();

/** The text of a test file, which many rows name; empty where there is none. */
function sourceOf(file: string): string {
  const known = sources.get(file);
  if (known !== undefined) return known;
  let source = '';
  try {
    source = readFileSync(join(REPOSITORY, file), 'utf8');
  } catch {
    // a row that names a file that is not there names no test
  }
  sources.set(file, source);
  return source;
}
