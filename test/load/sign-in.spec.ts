import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../support/built-process.js';
import type { SignInFigures } from './sign-in.js';

const run = promisify(execFile);

describe('npm run bench -- --sign-in', () => {
  const folder = mkdtempSync(join(tmpdir(), 'core-auth-sign-in-bench-'));
  let written: { stdout: string; stderr: string };
  let figures: SignInFigures;

  beforeAll(async () => {
    const small = ['--duration', '0.2', '--rounds', '1', '--connections', '4', '--output', folder];
    written = await run(process.execPath, ['test/load/bench.mjs', '--no-build', '--sign-in', ...small], {
      cwd: REPOSITORY,
    });
    figures = JSON.parse(readFileSync(join(folder, 'sign-in.json'), 'utf8')) as SignInFigures;
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('compares the times of 400 tries, half of them at accounts that there are, and prints a verdict', () => {
    const { tries, knownP50, unknownP50, p, toldApart } = figures.timing;
    expect(tries).toBe(400);
    for (const time of [knownP50, unknownP50]) expect(time).toBeGreaterThan(0);
    expect(toldApart).toBe(p < 0.01);
    expect(written.stdout).toMatch(
      /By the test of Mann and Whitney the two (cannot|CAN) be told apart \(p = 0\.\d{4}\)/,
    );
  });

  it('sets sign-ins beside bare hashes, and watches the event loop meanwhile', () => {
    const { signInsPerSecond, bareHashesPerSecond, ratio, p50, p99, statements } = figures.throughput;
    for (const value of [signInsPerSecond, bareHashesPerSecond, ratio, p50, figures.loopDelay.p50])
      expect(value).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
    expect(figures.loopDelay.p99).toBeGreaterThanOrEqual(figures.loopDelay.p50);
    // the account, its device and the count; the session, the device again and the end of the count
    expect(Math.round(statements)).toBe(2);
  });

  it('says whose processor time a sign-in takes', () => {
    const { cpu, bareCpu, cpuRatio } = figures.throughput;
    expect(bareCpu).toBeGreaterThan(0);
    if (!cpu) return;
    for (const part of [cpu.mainThread, cpu.postgres, cpu.driver]) expect(part).toBeGreaterThan(0);
    expect(cpu.server).toBeGreaterThan(cpu.mainThread);
    expect(cpuRatio).toBeCloseTo(bareCpu / cpu.server, 2);
    expect(written.stdout).toContain('Processor time of a sign-in:');
  });

  it('writes what it prints, and nothing of the other runs', () => {
    expect(readdirSync(folder).toSorted()).toEqual(['sign-in.json', 'sign-in.md']);
    expect(readFileSync(join(folder, 'sign-in.md'), 'utf8')).toContain(written.stdout.trim());
  });
});
