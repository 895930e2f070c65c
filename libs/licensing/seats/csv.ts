/** A record of a file, and the line that it begins on, from 1. */
export interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

export class CsvError extends Error {
  constructor(
    readonly line: number,
    problem: string,
  ) {
    super(`Line ${line}: ${problem}`);
    this.name = 'CsvError';
  }
}

const BREAK = /\r\n|\n/y;
const PLAIN = /[^",\r\n]*/y;
const QUOTED = /"((?:[^"]|"")*)"/y;

/**
 * RFC 4180, strictly: a quote stands at both ends of a field or nowhere, a carriage return belongs to a line feed.
 * Both line breaks are read, and the last may be missing. Lines that hold nothing are no records.
 * @throws CsvError that names the line
 */
export function parseCsv(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let [position, line] = [0, 1];
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match) position += match[0].length;
    return match;
  };
  while (position < text.length) {
    const record: { line: number; fields: string[]; quoted: boolean } = { line, fields: [], quoted: false };
    for (;;) {
      if (text[position] === '"') {
        const match = take(QUOTED);
        if (!match) throw new CsvError(line, 'a quoted field does not end.');
        const [raw = '', content = ''] = match;
        line += raw.split('\n').length - 1;
        record.fields.push(content.replaceAll('""', '"'));
        record.quoted = true;
      } else {
        record.fields.push(take(PLAIN)?.[0] ?? '');
      }
      if (text[position] !== ',') break;
      position += 1;
    }
    if (position < text.length && !take(BREAK)) {
      throw new CsvError(
        line,
        `${JSON.stringify(text[position])} has no place here; a field that holds it is quoted.`,
      );
    }
    line += 1;
    if (record.quoted || record.fields.length > 1 || record.fields[0] !== '') {
      records.push({ line: record.line, fields: record.fields });
    }
  }
  return records;
}
