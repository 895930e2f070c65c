/**
 * RFC 4180, every cell quoted. A cell that a spreadsheet would take for a formula gets an apostrophe in front, for
 * names are typed by people and files are opened by others.
 */
export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

/** Some spreadsheets take the full-width signs for the others, and skip what cannot be seen before them. */
const FORMULA = /^(?:[\t\r\n]|[\s\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20])/u;

function cell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
