import TestSequencer from '@jest/test-sequencer';

/** Specs that start processes take longest, and their size does not show it. */
const FIRST = ['/test/browser/', '/test/operations/', '/test/load/'];

/** Those first, then by size: the workers end together, in a fresh clone too, where no times are known. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => place(a) - place(b));
  }
}

function place({ path }) {
  const at = FIRST.findIndex((folder) => path.includes(folder));
  return at === -1 ? FIRST.length : at;
}
