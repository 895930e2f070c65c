import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY } from '../support/built-process.js';

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

const run = promisify(execFile);
const LIBRARIES = 'readiness oauth sessions licensing tokens accounts events observability platform'.split(
  ' ',
);

/** `rule: file` of every broken rule. */
async function violations(folder: string): Promise<string[]> {
  const program = join(REPOSITORY, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'apps', 'libs', 'migrations'];
  const { stdout } = await run(process.execPath, [program, ...args], {
    cwd: folder,
    maxBuffer: 256 * 1024 * 1024,
  });
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
  return summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`);
}

/** A small house of the same rooms, which keeps every rule. */
function buildHouse(): string {
  const house = mkdtempSync(join(tmpdir(), 'core-auth-house-'));
  for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) {
    cpSync(join(REPOSITORY, name), join(house, name));
  }
  for (const library of LIBRARIES) write(house, `libs/${library}/index.ts`, `export const ${library} = 1;\n`);
  for (const app of ['server', 'cli', 'projects', 'reports'])
    write(house, `apps/${app}/main.ts`, 'export {};\n');
  cpSync(join(REPOSITORY, 'libs/module-kit/package.json'), join(house, 'libs/module-kit/package.json'), {
    recursive: true,
  });
  write(
    house,
    'libs/module-kit/index.ts',
    "export * from './inside.js';\nexport * from './licensing/index.js';\n",
  );
  write(house, 'libs/module-kit/inside.ts', 'export const inside = 1;\n');
  write(house, 'libs/module-kit/licensing/index.ts', 'export const decide = 1;\n');
  write(
    house,
    'libs/oauth/inside.ts',
    "import { platform } from '#platform';\nexport const inside = platform;\n",
  );
  write(house, 'migrations/index.ts', 'export const migrations = [];\n');
  write(house, 'test/support/helper.ts', 'export const helper = 1;\n');
  mkdirSync(join(house, 'node_modules/@core-auth'), { recursive: true });
  symlinkSync(join(house, 'libs/module-kit'), join(house, 'node_modules/@core-auth/module-kit'));
  return house;
}

function write(house: string, file: string, text: string): void {
  mkdirSync(dirname(join(house, file)), { recursive: true });
  writeFileSync(join(house, file), text);
}

/** Each kind of wrong import: the rule that must catch it, the file that commits it, the import. */
const planted: readonly [rule: string, file: string, specifier: string][] = [
  ['platform-imports-down', 'libs/platform/planted.ts', '#observability'],
  ['observability-imports-down', 'libs/observability/planted.ts', '#events'],
  ['events-imports-down', 'libs/events/planted.ts', '#tokens'],
  ['tokens-imports-down', 'libs/tokens/planted.ts', '#accounts'],
  ['accounts-imports-down', 'libs/accounts/planted.ts', '#tokens'],
  ['sessions-imports-down', 'libs/sessions/planted.ts', '#licensing'],
  ['licensing-imports-down', 'libs/licensing/planted.ts', '#sessions'],
  ['oauth-imports-down', 'libs/oauth/planted.ts', '#readiness'],
  ['door-from-outside', 'apps/server/planted.ts', '../../libs/oauth/inside.js'],
  ['door-between-libraries', 'libs/readiness/planted.ts', '../oauth/inside.js'],
  ['kit-door-for-the-server', 'libs/licensing/kit.ts', '@core-auth/module-kit'],
  ['no-app-below', 'libs/tokens/app.ts', '../../apps/server/main.js'],
  ['no-app-beside', 'apps/reports/beside.ts', '../projects/main.js'],
  ['no-migrations-below', 'libs/platform/migrating.ts', '#migrations'],
  ['modules-are-customers', 'apps/projects/planted.ts', '#platform'],
  ['kit-imports-packages-only', 'libs/module-kit/planted.ts', '../platform/index.js'],
  ['core-without-nest', 'libs/module-kit/node/planted.ts', '@nestjs/common'],
  ['pure-licensing', 'libs/module-kit/licensing/planted.ts', 'node:crypto'],
  ['no-tests-in-production', 'apps/server/testing.ts', '../../test/support/helper.js'],
  ['no-cycle', 'libs/events/circle-back.ts', './circle.js'],
  ['resolvable', 'apps/cli/planted.ts', '#nowhere'],
];

describe('the import rule', () => {
  let house: string;

  beforeAll(() => {
    house = buildHouse();
  });

  afterAll(() => rmSync(house, { recursive: true, force: true }));

  it('holds in this repository', async () => {
    expect(await violations(REPOSITORY)).toEqual([]);
  });

  it('finds nothing in a house that keeps it', async () => {
    expect(await violations(house)).toEqual([]);
  });

  it('catches each kind of violation where it is planted', async () => {
    write(house, 'libs/events/circle.ts', "import './circle-back.js';\nexport {};\n");
    for (const [, file, specifier] of planted) {
      write(house, file, `import * as planted from '${specifier}';\nexport const found = planted;\n`);
    }
    const found = await violations(house);
    const expected = planted.map(([rule, file]) => `${rule}: ${file}`);
    expect(expected.filter((violation) => !found.includes(violation))).toEqual([]);
  });

  it('has a planted violation for every rule but that of the topmost library, which nothing can break', async () => {
    const config = (await import(join(REPOSITORY, '.dependency-cruiser.mjs'))) as {
      default: { forbidden: { name: string }[] };
    };
    const rules = config.default.forbidden
      .map(({ name }) => name)
      .filter((name) => name !== 'readiness-imports-down');
    expect(planted.map(([rule]) => rule).sort()).toEqual(rules.sort());
  });
});
