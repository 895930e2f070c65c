import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../support/built-process.js';

const DOCUMENT = 'docs/reference/protocol-tests.md';
/** `| source | rule | `file`: title |` */
const ROW = /^\| [^|]+ \| [^|]+ \| `([^`]+)`: (.+?) +\|$/;

const lines = readFileSync(join(REPOSITORY, DOCUMENT), 'utf8').split('\n');
const rows = lines.flatMap((line) => {
  const [, file = '', title = ''] = ROW.exec(line) ?? [];
  return title === '' ? [] : [{ file, title }];
});

/** Whether a source has this text as a whole literal, as a title is. */
function hasTitle(source: string, title: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote},`));
}

describe(DOCUMENT, () => {
  it('names tests that exist', () => {
    const absent = rows.filter(
      ({ file, title }) => !hasTitle(readFileSync(join(REPOSITORY, file), 'utf8'), title),
    );
    expect(absent).toEqual([]);
  });

  it('has a test in every row', () => {
    const headings = lines.filter((line) => /^\| (source|---)/.test(line));
    expect(rows).toHaveLength(lines.filter((line) => line.startsWith('|')).length - headings.length);
    expect(rows.length).toBeGreaterThan(100);
  });
});
