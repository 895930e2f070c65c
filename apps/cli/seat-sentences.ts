import type { ImportResult } from '#licensing';

const WIDTH = 30;

/** What happened to a line of an import, or would happen in a dry run. */
export function describeResult(
  { line, email, outcome, licenseId, code, problem }: ImportResult,
  dryRun: boolean,
): string {
  const start = `${line}  ${email}  `;
  switch (outcome) {
    case 'assigned':
      return `${start}${dryRun ? 'would get' : 'got'} a seat of ${licenseId}`;
    case 'already-seated':
      return `${start}holds a seat of ${licenseId} already`;
    case 'refused':
      return `${start}${dryRun ? 'would be refused' : 'refused'}: ${problem} (${code})`;
  }
}

export function describeImport(results: readonly ImportResult[], dryRun: boolean): string {
  const count = (outcome: ImportResult['outcome']) =>
    results.filter((result) => result.outcome === outcome).length;
  const counts = `${count('assigned')} ${dryRun ? 'would be ' : ''}assigned, ${count('already-seated')} seated already, ${count('refused')} ${dryRun ? 'would be ' : ''}refused.`;
  return dryRun ? `${counts} Nothing was changed.` : counts;
}

/** `[#####     ]  50 % (5 of 10)` */
export function progressBar(done: number, all: number): string {
  const part = all === 0 ? 1 : done / all;
  const filled = Math.floor(part * WIDTH);
  const percent = String(Math.floor(part * 100)).padStart(3);
  return `[${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${percent} % (${done} of ${all})`;
}
