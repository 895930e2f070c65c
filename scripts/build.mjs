import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Compiles the module kit, which the rest imports by its built types, then everything else; of that, the filter of passwords. */
export function build() {
  compile('libs/module-kit');
  compile('tsconfig.build.json');
  run(join(root, 'scripts/common-passwords.mjs'));
  run(join(root, 'scripts/build-manifest.mjs'));
}

function compile(project) {
  run(join(root, 'node_modules/typescript/bin/tsc'), '-p', project);
}

function run(script, ...args) {
  const { status, error } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
