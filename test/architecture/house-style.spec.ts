import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../support/built-process.js';

interface Rule {
  readonly sentence: string;
  /** Which files of the repository it is about. */
  readonly about: (path: string) => boolean;
  readonly forbidden: RegExp;
  /** Breaks the rule: shows that the test can fail. */
  readonly example: string;
}

const isSpec = (path: string) => /\.spec\.tsx?$/.test(path);
const shipped = (path: string) => /^(apps|libs|migrations)\//.test(path) && !isSpec(path);

const rules: readonly Rule[] = [
  {
    sentence: 'SQL lives in repositories and migrations alone',
    about: (path) =>
      shipped(path) &&
      !/\.repository\.ts$/.test(path) &&
      !/^(migrations|libs\/platform\/database)\//.test(path),
    forbidden: /\bsql`/,
    example: 'await database.query(sql`SELECT 1`);',
  },
  {
    sentence: 'libraries and applications log, they never write to the console',
    about: shipped,
    forbidden: /\bconsole\.\w+\(/,
    example: "console.log('x');",
  },
  {
    sentence: 'a type is never switched off',
    about: (path) => /^(apps|libs|migrations|test)\//.test(path),
    forbidden: /(?:\bas|:) any(?=[;,)\]>}]|$)|<any>|@ts-(?:ignore|nocheck|expect-error)/,
    example: 'const x = y as any;',
  },
  {
    sentence: 'a lint rule is never switched off',
    about: (path) => /^(apps|libs|migrations|test|scripts)\//.test(path),
    forbidden: /eslint-disable/,
    example: '// eslint-disable-next-line',
  },
  {
    sentence: 'nothing is left to be done in a comment',
    about: (path) => /^(apps|libs|migrations|test|scripts)\//.test(path),
    forbidden: /\b(?:TODO|FIXME|XXX)\b/,
    example: '// TODO: later',
  },
  {
    sentence: 'time comes from the injected clock in what decides by it',
    about: (path) => shipped(path) && /^libs\/(oauth|sessions|tokens|licensing|accounts)\//.test(path),
    forbidden: /\bnew Date\(\)|\bDate\.now\(\)/,
    example: 'const now = new Date();',
  },
  {
    sentence: 'an imported file is named with its extension',
    about: (path) => /^(apps|libs|migrations|test)\//.test(path),
    forbidden: /from '\.{1,2}\/(?:[^']*\/)?[^'./]+'/,
    example: "import { x } from './x';",
  },
];

const sources = ['apps', 'libs', 'migrations', 'test', 'scripts'].flatMap((folder) => filesBelow(folder));

function filesBelow(folder: string): string[] {
  return readdirSync(join(REPOSITORY, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['dist', 'node_modules'].includes(entry.name) ? [] : filesBelow(path);
    return /\.(ts|tsx|mjs)$/.test(entry.name) ? [path] : [];
  });
}

describe('the style of the house', () => {
  it.each(rules)('$sentence', ({ about, forbidden, example }) => {
    expect(example).toMatch(forbidden);
    const guilty = sources
      // this file quotes what it forbids
      .filter((path) => about(path) && path !== 'test/architecture/house-style.spec.ts')
      .flatMap((path) =>
        readFileSync(join(REPOSITORY, path), 'utf8')
          .split('\n')
          .flatMap((line, index) => (forbidden.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
      );
    expect(guilty).toEqual([]);
  });

  it('looks at the whole repository', () => {
    expect(sources.length).toBeGreaterThan(200);
  });
});
