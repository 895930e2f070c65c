import { LicenseFileDenied, readLicenseFile } from '@core-auth/module-kit/offline';
import { readText } from './files.js';
import { harmlessJson, instantOf, UsageError, type Outcome } from './outcome.js';

const WARNING =
  'NOT VERIFIED: this is what the file says of itself, and anybody can write such a file. Use "license verify".';

/** @throws UsageError */
export async function inspect(path: string): Promise<Outcome> {
  const { header, claims } = read(await readText(path), path);
  const { iat, nbf, exp } = claims;
  const text = [
    WARNING,
    '',
    `header ${harmlessJson(header)}`,
    `claims ${harmlessJson(claims)}`,
    '',
    `Issued ${instantOf(iat)}, holds from ${instantOf(nbf)} until ${instantOf(exp)}, if it is genuine.`,
  ].join('\n');
  return { exit: 0, text, json: { verified: false, header, claims } };
}

function read(file: string, path: string): ReturnType<typeof readLicenseFile> {
  try {
    return readLicenseFile(file);
  } catch (error) {
    if (!(error instanceof LicenseFileDenied)) throw error;
    throw new UsageError('no_license_file', `${path} is no license file, or is cut off.`);
  }
}
