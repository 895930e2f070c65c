import { PublicError } from '#platform';
import { CsvError, parseCsv, type CsvRecord } from './csv.js';
import {
  fullRefusal,
  isInEffect,
  isUuid,
  namedRefusal,
  notAMember,
  seatsToCool,
  unknownLicense,
  type CoolingSeat,
  type SeatStanding,
} from './seat.js';

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
  /** Whose last holders alone may come back to them, the first that is free for anybody first. */
  readonly coolingSeats: readonly CoolingSeat[];
  /** Whether it is for the environment that the module is in. */
  readonly here: boolean;
}

export interface ImportDirectory {
  /** The earliest first. */
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

/** Where the people of a file get their seats; on paper, in a dry run. */
export interface SeatDesk {
  /** On which of these licenses the person holds a seat. */
  seatedOn(userId: string, licenseIds: readonly string[]): Promise<string | undefined>;
  /** @returns why the person gets no seat of the license, when they do not */
  take(licenseId: string, userId: string): Promise<'assigned' | 'already-seated' | PublicError>;
}

/** The licenses of a directory, as they are tried for a line. */
export interface ImportOrder {
  /**
   * Those that give named seats: first those that let people in now. A seat of one that only may do so some day keeps
   * nobody from a seat with which they can work.
   */
  readonly open: readonly (readonly string[])[];
  /** Those for another environment, with whose seat nobody can work in the module: for lines that name them. */
  readonly elsewhere: readonly string[];
  /** Why the others give none, those that have ended last. A seat that is left from before is worth nothing there. */
  readonly closed: readonly { readonly id: string; readonly refusal: PublicError }[];
}

export function orderOf(licenses: readonly ImportLicense[]): ImportOrder {
  const refusals = new Map(licenses.map((license) => [license, namedRefusal(license, 'import')]));
  const open = licenses.filter((license) => !refusals.get(license));
  const idsOf = (wanted: (license: ImportLicense) => boolean) => open.filter(wanted).map(({ id }) => id);
  const elsewhere = idsOf(({ here }) => !here);
  const closed = [...refusals].flatMap(([{ id }, refusal]) => (refusal ? [{ id, refusal }] : []));
  const ended = ({ refusal }: { refusal: PublicError }) => refusal.code === 'license_ended';
  return {
    open: [
      idsOf((license) => license.here && isInEffect(license)),
      idsOf((license) => license.here && !isInEffect(license)),
    ],
    elsewhere,
    closed: [
      ...closed.filter((one) => !ended(one)),
      ...elsewhere.map((id) => ({ id, refusal: ofAnotherEnvironment() })),
      // of those that have ended the latest says most
      ...closed.filter(ended).toReversed(),
    ],
  };
}

/** Seats the person of one line, or says why not. */
export async function seatLine(
  line: ImportLine,
  { order, members }: Pick<ImportDirectory, 'members'> & { readonly order: ImportOrder },
  desk: SeatDesk,
): Promise<ImportResult> {
  const userId = members.get(line.email);
  if (userId === undefined) return refused(line, notAMember(), null);
  const meant = (id: string) => line.licenseId === undefined || line.licenseId === id;
  let first: ImportResult | undefined;
  const candidates = line.licenseId === undefined ? order.open : [...order.open, order.elsewhere];
  for (const some of candidates) {
    const licenseIds = some.filter(meant);
    const held = await desk.seatedOn(userId, licenseIds);
    if (held !== undefined) return resultOf(line, 'already-seated', held);
    for (const id of licenseIds) {
      const outcome = await desk.take(id, userId);
      if (typeof outcome === 'string') return resultOf(line, outcome, id);
      first ??= refused(line, outcome, id);
    }
  }
  if (first) return first;
  const closed = order.closed.find(({ id }) => meant(id));
  return closed ? refused(line, closed.refusal, closed.id) : refused(line, unknownLicense(), null);
}

/** What licenses have answered during one import, so that those that are full are not locked for line after line. */
export class ImportRefusals {
  private readonly given = new Map<string, PublicError>();
  private readonly cooling: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(licenses: readonly ImportLicense[]) {
    this.cooling = new Map(licenses.map(({ id, coolingSeats }) => [id, usersOf(coolingSeats)]));
  }

  /** What the license would answer this person too; undefined when it has to be asked. */
  find(licenseId: string, userId: string): PublicError | undefined {
    return this.cooling.get(licenseId)?.has(userId) ? undefined : this.given.get(licenseId);
  }

  remember(licenseId: string, refusal: PublicError): void {
    if (refusal.code !== notAMember().code) this.given.set(licenseId, refusal);
  }

  /** Somebody has got a seat of it: the next one may be free at another instant. */
  forget(licenseId: string): void {
    this.given.delete(licenseId);
  }
}

function usersOf(seats: readonly CoolingSeat[]): Set<string> {
  return new Set(seats.map(({ userId }) => userId));
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

/** The seats of a directory on paper: given by the same rules as `assignSeat`, if nothing else happens meanwhile. */
export class PaperDesk implements SeatDesk {
  private readonly ledgers: ReadonlyMap<string, SeatLedger>;

  constructor(licenses: readonly ImportLicense[]) {
    this.ledgers = new Map(licenses.map((license) => [license.id, new SeatLedger(license)]));
  }

  seatedOn(userId: string, licenseIds: readonly string[]): Promise<string | undefined> {
    return Promise.resolve(licenseIds.find((id) => this.ledgers.get(id)?.holds(userId)));
  }

  take(licenseId: string, userId: string): Promise<'assigned' | PublicError> {
    const ledger = this.ledgers.get(licenseId);
    const refusal = ledger ? ledger.take(userId) : unknownLicense();
    return Promise.resolve(refusal ?? 'assigned');
  }
}

/** A license's seats while a plan is made. */
class SeatLedger {
  private readonly seated: Set<string>;
  private readonly back = new Set<string>();
  private readonly cooling: ReadonlySet<string>;
  private taken = 0;

  constructor(private readonly license: ImportLicense) {
    this.seated = new Set(license.seated);
    this.cooling = usersOf(license.coolingSeats);
  }

  holds(userId: string): boolean {
    return this.seated.has(userId);
  }

  /** @returns why there is no seat, or undefined when it is taken */
  take(userId: string): PublicError | undefined {
    const refusal = fullRefusal(this.standingFor(userId));
    if (refusal) return refusal;
    this.taken += 1;
    this.seated.add(userId);
    if (this.cooling.has(userId)) this.back.add(userId);
    return undefined;
  }

  private standingFor(userId: string): SeatStanding {
    const { license, back } = this;
    const own = this.cooling.has(userId) ? 1 : 0;
    const cooling = this.cooling.size - back.size - own;
    const counted = { ...license, cooling, inUse: license.inUse + this.taken };
    return { ...counted, cooledAt: this.whenCooled(seatsToCool(counted), userId) };
  }

  private whenCooled(seats: number, besides: string): Date | null {
    if (seats <= 0) return null;
    let left = seats;
    for (const { userId, until } of this.license.coolingSeats) {
      if (userId !== besides && !this.back.has(userId)) left -= 1;
      if (left === 0) return until;
    }
    return null;
  }
}

function ofAnotherEnvironment(): PublicError {
  return new PublicError(
    409,
    'other_environment',
    'This license is for another environment than the module is in: name it in the line if you mean it.',
  );
}

function invalid(problem: string): PublicError {
  return new PublicError(400, 'invalid_import', problem);
}
