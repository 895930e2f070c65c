import { PublicError } from '#platform';
import { CsvError, parseCsv, type CsvRecord } from './csv.js';
import { fullRefusal, isUuid, namedRefusal, notAMember, unknownLicense, type SeatStanding } from './seat.js';

export const MOST_IMPORT_LINES = 10_000;
export const MOST_IMPORT_BYTES = 1024 * 1024;

/** One person that a file names. */
export interface ImportLine {
  /** In the file, from 1. */
  readonly line: number;
  /** In lower case. */
  readonly email: string;
  /** Undefined: whichever license of the module has a seat. */
  readonly licenseId: string | undefined;
}

export type ImportOutcome = 'assigned' | 'already-seated' | 'refused';

/** What happened, or in a dry run would happen, to a line. */
export interface ImportResult {
  readonly line: number;
  readonly email: string;
  readonly outcome: ImportOutcome;
  /** Null when none was found for the line. */
  readonly licenseId: string | null;
  /** Of a refused line: what the error is called, and what to do about it. */
  readonly code?: string;
  readonly problem?: string;
}

/** A license of the module for which seats are imported, as it stood when the import began. */
export interface ImportLicense extends SeatStanding {
  readonly id: string;
  /** User ids. */
  readonly seated: readonly string[];
  /** User ids of those who alone may come back to a seat that cools. */
  readonly coolingUsers: readonly string[];
}

export interface ImportDirectory {
  /** In the order in which they are tried for a line that names none. */
  readonly licenses: readonly ImportLicense[];
  /** Members of the organization by e-mail address. */
  readonly members: ReadonlyMap<string, string>;
}

/**
 * The people that a file names: UTF-8, `email` and `license` in the first line, one person in each of the others. A
 * license may be left out, as a column or in a line. Nobody is named twice with the same license, or twice without one.
 * @throws PublicError 400 `invalid_import` that names the line
 */
export function readImport(file: Uint8Array): ImportLine[] {
  if (file.byteLength > MOST_IMPORT_BYTES) throw invalid('The file is larger than 1 MiB: split it.');
  const [header, ...records] = recordsOf(file);
  const columns = header?.fields.map((name) => name.trim().toLowerCase()).join() ?? '';
  if (header === undefined || (columns !== 'email' && columns !== 'email,license')) {
    throw invalid('Line 1: the columns are "email", or "email,license".');
  }
  if (records.length > MOST_IMPORT_LINES) {
    throw invalid(`The file names ${records.length} people; ${MOST_IMPORT_LINES} are the most: split it.`);
  }
  return once(records.map((record) => readLine(record, header.fields.length)));
}

function readLine({ line, fields }: CsvRecord, columns: number): ImportLine {
  const [email = '', license = ''] = fields.map((field) => field.trim());
  if (fields.length > columns) throw invalid(`Line ${line}: there are more fields than columns.`);
  // PostgreSQL knows no U+0000, and no address holds any of these
  if (/\p{Cc}/u.test(email)) throw invalid(`Line ${line}: the e-mail address holds a control character.`);
  if (email === '') throw invalid(`Line ${line}: the e-mail address is missing.`);
  if (license !== '' && !isUuid(license)) {
    throw invalid(`Line ${line}: a license is named by its id, a UUID, or left out.`);
  }
  return {
    line,
    email: email.toLowerCase(),
    licenseId: license === '' ? undefined : license.toLowerCase(),
  };
}

/** @throws PublicError that names both lines */
function once(lines: readonly ImportLine[]): ImportLine[] {
  const first = new Map<string, number>();
  return lines.map((one) => {
    const wish = JSON.stringify([one.email, one.licenseId]);
    const before = first.get(wish);
    if (before !== undefined)
      throw invalid(`Line ${one.line} repeats line ${before}: leave one of them out.`);
    first.set(wish, one.line);
    return one;
  });
}

function recordsOf(file: Uint8Array) {
  let text: string;
  try {
    // a byte order mark is left out
    text = new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch {
    throw invalid('The file is no UTF-8 text: save it as CSV in UTF-8.');
  }
  try {
    return parseCsv(text);
  } catch (error) {
    if (error instanceof CsvError) throw invalid(error.message);
    throw error;
  }
}

/** What an import would do if nothing else happened meanwhile: by the same rules as `assignSeat`, line after line. */
export function planImport(
  lines: readonly ImportLine[],
  { licenses, members }: ImportDirectory,
): ImportResult[] {
  const ledgers = new Map(licenses.map((license) => [license.id, new SeatLedger(license)]));
  return lines.map((line) => {
    const userId = members.get(line.email);
    const candidates = candidatesOf(line, licenses);
    if (userId === undefined) return refused(line, notAMember(), null);
    if (candidates.length === 0) return refused(line, unknownLicense(), null);
    const held = candidates.find((id) => ledgers.get(id)?.holds(userId));
    if (held !== undefined) return resultOf(line, 'already-seated', held);
    let refusal: PublicError | undefined;
    for (const id of candidates) {
      const problem = ledgers.get(id)?.take(userId);
      if (!problem) return resultOf(line, 'assigned', id);
      refusal ??= problem;
    }
    return refused(line, refusal ?? unknownLicense(), candidates[0] ?? null);
  });
}

/** The ids of the licenses that a line may be seated on. */
export function candidatesOf(
  { licenseId }: ImportLine,
  licenses: readonly Pick<ImportLicense, 'id'>[],
): string[] {
  return licenses.map(({ id }) => id).filter((id) => licenseId === undefined || id === licenseId);
}

/** What licenses have answered during one import, so that those that are full are not locked for line after line. */
export class ImportRefusals {
  private readonly given = new Map<string, PublicError>();
  private readonly cooling: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(licenses: readonly ImportLicense[]) {
    this.cooling = new Map(licenses.map(({ id, coolingUsers }) => [id, new Set(coolingUsers)]));
  }

  /** What the license would answer this person too; undefined when it has to be asked. */
  find(licenseId: string, userId: string): PublicError | undefined {
    return this.cooling.get(licenseId)?.has(userId) ? undefined : this.given.get(licenseId);
  }

  remember(licenseId: string, refusal: PublicError): void {
    if (refusal.code !== notAMember().code) this.given.set(licenseId, refusal);
  }
}

export function resultOf(
  { line, email }: ImportLine,
  outcome: Exclude<ImportOutcome, 'refused'>,
  licenseId: string,
): ImportResult {
  return { line, email, outcome, licenseId };
}

export function refused(
  { line, email }: ImportLine,
  { code, publicMessage }: PublicError,
  licenseId: string | null,
): ImportResult {
  return { line, email, outcome: 'refused', licenseId, code, problem: publicMessage };
}

/** A license's seats while a plan is made. */
class SeatLedger {
  private readonly seated: Set<string>;
  private readonly cooling: Set<string>;
  private taken = 0;

  constructor(private readonly license: ImportLicense) {
    this.seated = new Set(license.seated);
    this.cooling = new Set(license.coolingUsers);
  }

  holds(userId: string): boolean {
    return this.seated.has(userId);
  }

  /** @returns why there is no seat, or undefined when it is taken */
  take(userId: string): PublicError | undefined {
    const cooling = this.cooling.size - (this.cooling.has(userId) ? 1 : 0);
    const standing = { ...this.license, cooling, inUse: this.license.inUse + this.taken };
    const refusal = namedRefusal(standing, 'import') ?? fullRefusal(standing);
    if (refusal) return refusal;
    this.taken += 1;
    this.seated.add(userId);
    this.cooling.delete(userId);
    return undefined;
  }
}

function invalid(problem: string): PublicError {
  return new PublicError(400, 'invalid_import', problem);
}
