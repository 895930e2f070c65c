/** Of one call: what has piled up is caught up with, and one call still ends. */
const MOST_BATCHES = 100;

/** Repeats a removal, which returns a row for each that it removed, until less is left than it takes at a time. */
export async function inBatches(limit: number, remove: () => Promise<readonly unknown[]>): Promise<void> {
  for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
    if ((await remove()).length < limit) return;
  }
}
