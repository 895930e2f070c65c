import { readFileSync } from 'node:fs';

/** What the build wrote about itself; controls of the kind `static` read it. */
export interface BuildManifest {
  readonly version: string;
  readonly commit: string;
  /** ISO 8601. */
  readonly builtAt: string;
  /** The compiler options that the build ran with, as the compiler resolved them. */
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

/** Where the build leaves it: beside the compiled libraries. */
const besideTheBuild = new URL('../../build-manifest.json', import.meta.url);

/** @returns undefined when this is no build, or its manifest cannot be read */
export function readBuildManifest(file: URL = besideTheBuild): BuildManifest | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isManifest(manifest) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): value is BuildManifest {
  if (typeof value !== 'object' || value === null) return false;
  const { version, commit, builtAt, compilerOptions } = value as Record<string, unknown>;
  return (
    typeof version === 'string' &&
    typeof commit === 'string' &&
    typeof builtAt === 'string' &&
    typeof compilerOptions === 'object' &&
    compilerOptions !== null
  );
}
