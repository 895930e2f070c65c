import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../support/built-process.js';

const DOCUMENT = 'docs/reference/account-tests.md';
/** OWASP ASVS 5.0: how many requirements each section of V6 and V7 has. */
const REQUIREMENTS = {
  ...{ '6.1': 3, '6.2': 12, '6.3': 8, '6.4': 6, '6.5': 8, '6.6': 4, '6.7': 2, '6.8': 4 },
  ...{ '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 3, '7.6': 2 },
};

describe(DOCUMENT, () => {
  it('speaks of every requirement of ASVS 5.0 V6 and V7', () => {
    const text = readFileSync(join(REPOSITORY, DOCUMENT), 'utf8');
    const named = new Set([...text.matchAll(/\b[67]\.\d\.\d+\b/g)].map(([number]) => number));
    const asked = Object.entries(REQUIREMENTS).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, index) => `${section}.${index + 1}`),
    );
    expect(asked.filter((number) => !named.has(number))).toEqual([]);
  });
});
