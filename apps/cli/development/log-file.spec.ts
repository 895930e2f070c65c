import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closeSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog } from './log-file.js';

describe('the log of a program', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'log-file-'));
    file = join(folder, 'server.log');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const run = (words: string) => {
    const log = openLog(file);
    writeSync(log, words);
    closeSync(log);
  };

  it('begins anew at each start, and the one before is kept, so that a crash can be looked into', () => {
    run('first');
    expect(readdirSync(folder)).toEqual(['server.log']);
    run('crashed');
    run('third');
    expect(readFileSync(file, 'utf8')).toBe('third');
    expect(readFileSync(`${file}.1`, 'utf8')).toBe('crashed');
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('is for its owner alone, the former one too', () => {
    run('one');
    run('two');
    for (const name of [file, `${file}.1`]) expect(statSync(name).mode & 0o777).toBe(0o600);
  });

  it('that cannot be opened is no silent loss', () => {
    expect(() => openLog(join(folder, 'missing', 'server.log'))).toThrow('ENOENT');
  });
});
