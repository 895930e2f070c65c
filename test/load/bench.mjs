// Loads the TypeScript of the bench as the tests load theirs.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import 'reflect-metadata';
import { build } from '../../scripts/build.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = join(root, 'dist/build-manifest.json');

register('../support/typescript-hooks.mjs', import.meta.url);
const { bench } = await import('./bench.ts');
process.exitCode = await bench(process.argv.slice(2), buildWhenOld);

function buildWhenOld() {
  const built = existsSync(BUILT) ? statSync(BUILT).mtimeMs : 0;
  if (!['apps', 'libs', 'migrations'].some((folder) => changedSince(join(root, folder), built))) return;
  process.stderr.write('Building ...\n');
  build();
}

function changedSince(folder, moment) {
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return !['dist', 'node_modules'].includes(entry.name) && changedSince(path, moment);
    return /\.tsx?$/.test(entry.name) && statSync(path).mtimeMs > moment;
  });
}
