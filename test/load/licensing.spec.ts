import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../support/built-process.js';
import type { LicensingRow } from './licensing.js';

const run = promisify(execFile);
const RATES = ['guard_decision', 'license_check', 'license_check_of_100', 'seat_assignment'];
const TIMES = ['change_to_refusal_stream_up', 'change_to_refusal_stream_cut'];

describe('npm run bench -- --licensing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'core-auth-licensing-bench-'));
  let written: { stdout: string; stderr: string };
  let rows: readonly LicensingRow[];

  beforeAll(async () => {
    const small = ['--duration', '0.1', '--rounds', '1', '--connections', '4', '--output', folder];
    written = await run(process.execPath, ['test/load/bench.mjs', '--no-build', '--licensing', ...small], {
      cwd: REPOSITORY,
    });
    rows = JSON.parse(readFileSync(join(folder, 'licensing.json'), 'utf8')) as LicensingRow[];
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('measures decisions, checks, seats, and the time from change to refusal, and writes a row of each', () => {
    expect(rows.map(({ operation }) => operation).toSorted()).toEqual([...RATES, ...TIMES].toSorted());
    for (const { operation, perSecond, p50, p99 } of rows) {
      expect(p50).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
      if (RATES.includes(operation)) expect(perSecond).toBeGreaterThan(0);
      else expect(perSecond).toBeUndefined();
    }
  });

  it('prints the table and the machine, writes the same, says how far it is, and nothing of the other runs', () => {
    expect(readdirSync(folder).toSorted()).toEqual(['licensing.json', 'licensing.md']);
    const text = readFileSync(join(folder, 'licensing.md'), 'utf8');
    for (const name of [...RATES, ...TIMES]) expect(text).toContain(name);
    expect(text).toMatch(/^- Machine: .+, \d+ cores, \d+ GiB/m);
    expect(text).toContain(written.stdout.trim());
    const [, done, all] = /\[(\d+)\/(\d+)\] [^\n]*\n$/.exec(written.stderr) ?? [];
    // the last line is shown when its step begins
    expect(Number(done)).toBe(Number(all) - 1);
  });
});
