/** Seconds for which the account is closed after its `failures`th failure in a row: none at first, then doubling. */
export function delayAfter(failures: number, free: number): number {
  if (failures < free) return 0;
  return Math.min(FIRST_DELAY * 2 ** Math.min(failures - free, 20), LONGEST_DELAY);
}

const FIRST_DELAY = 30;
const LONGEST_DELAY = 900;
