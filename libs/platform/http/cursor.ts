import { PublicError } from './public-error.js';

/** A place in a sorted list: what a row is sorted by, and its id. It stays one whatever becomes of the row. */
export interface Place {
  readonly key: string;
  readonly id: string;
}

const LONGEST = 2048;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A place as clients bring it back: it tells them nothing but the row that they have seen, and opens nothing. */
export function cursorOf({ key, id }: Place): string {
  return Buffer.from(JSON.stringify([key, id])).toString('base64url');
}

/** @param keys what the list is sorted by looks like @throws PublicError 400 `invalid_request` */
export function placeOf(cursor: string, keys: RegExp = /^[^\0]*$/): Place {
  const [key, id] = partsOf(cursor);
  if (typeof key !== 'string' || typeof id !== 'string' || !keys.test(key) || !UUID.test(id)) {
    throw new PublicError(
      400,
      'invalid_request',
      'The list has no such page: send the cursor of the page before, or begin with the first.',
    );
  }
  return { key, id };
}

function partsOf(cursor: string): readonly unknown[] {
  if (cursor.length > LONGEST) return [];
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
