// Writes dist/build-manifest.json: which version and commit this build is, and with what compiler options it was made.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

const config = ts.getParsedCommandLineOfConfigFile(
  `${root}tsconfig.build.json`,
  {},
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
    },
  },
);

/** The commit that was built; a build outside a repository (an image) is told by SOURCE_COMMIT. */
function commit() {
  if (process.env.SOURCE_COMMIT) return process.env.SOURCE_COMMIT;
  try {
    const git = (...parameters) =>
      execFileSync('git', parameters, {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    return (
      git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? '+changed' : '')
    );
  } catch {
    return 'unknown';
  }
}

/** Flags and numbers only: paths say where it was built, which is nobody's business. */
const plain = Object.entries(config.options).filter(([, value]) =>
  ['boolean', 'number'].includes(typeof value),
);

const manifest = {
  version: JSON.parse(readFileSync(`${root}package.json`, 'utf8')).version,
  commit: commit(),
  builtAt: new Date().toISOString(),
  compilerOptions: Object.fromEntries(plain),
};

mkdirSync(`${root}dist`, { recursive: true });
writeFileSync(`${root}dist/build-manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
