import { existsSync, readFileSync } from 'node:fs';
import { sha256 } from '#platform';

/** Passwords share a key when they differ in case, in compatibility characters, or in what is around their letters. */
export function passwordKey(password: string): string {
  const folded = password.normalize('NFKC').toLowerCase();
  const core = folded.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  return [...core].length >= SHORTEST_CORE ? core : folded;
}

/** Fewer letters than these are no word: then the digits and signs around them count. */
const SHORTEST_CORE = 4;
/** Bits per key and looks per key: one in 100,000 passwords that are not in the list is taken for one of it. */
const BITS_PER_KEY = 24;
const LOOKS = 17;

/** A Bloom filter: it forgets none of its keys, and takes hardly any other for one of them. */
export class KeyFilter {
  constructor(readonly bits: Buffer) {}

  static of(keys: Iterable<string>): KeyFilter {
    const distinct = new Set(keys);
    const filter = new KeyFilter(Buffer.alloc(Math.ceil((distinct.size * BITS_PER_KEY) / 8)));
    for (const key of distinct) {
      for (const place of filter.placesOf(key)) filter.bits[place >>> 3]! |= 1 << (place & 7);
    }
    return filter;
  }

  has(key: string): boolean {
    return this.placesOf(key).every((place) => ((this.bits[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0);
  }

  /** Kirsch and Mitzenmacher, "Less Hashing, Same Performance": two hashes make as many as are needed. */
  private placesOf(key: string): number[] {
    const digest = sha256(key);
    const [first, second] = [digest.readUIntBE(0, 6), digest.readUIntBE(6, 6)];
    return Array.from({ length: LOOKS }, (_, look) => (first + look * second) % (this.bits.length * 8));
  }
}

let loaded: KeyFilter | undefined;

/** Whether a password, whatever digits and signs are around its letters, is in the list that ships with the product. */
export function isCommonPassword(password: string): boolean {
  loaded ??= new KeyFilter(readFileSync(filterFile()));
  return loaded.has(passwordKey(password));
}

/** `npm run build` makes it; what runs from the sources reads it there too. */
function filterFile(): URL {
  const beside = new URL('./common-passwords.bin', import.meta.url);
  return existsSync(beside)
    ? beside
    : new URL('../../dist/libs/accounts/common-passwords.bin', import.meta.url);
}
