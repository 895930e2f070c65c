/** A part of a list, in the order of its cursor. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** What to ask for next; null on the last page. */
  readonly next: string | null;
}

/** @param rows one more than the page holds, when there are more */
export function pageOf<Item>(
  rows: readonly Item[],
  limit: number,
  cursorOf: (item: Item) => string,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next: last === undefined ? null : cursorOf(last) };
}
