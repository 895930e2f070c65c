// Writes the files that are made from the code; with --check it writes nothing and fails where one differs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { commonPasswords } from './common-passwords.mjs';
import { accountApi, accountAuthority } from './generate/account-authority.mjs';
import { licensingGuide } from './generate/decisions.mjs';
import { administrationApi, authorityReference } from './generate/licensing-administration.mjs';
import { organizationApi, organizationAuthority } from './generate/organization-authority.mjs';
import { configurationReference, environmentExample } from './generate/settings.mjs';
import { schema } from './generate/schema.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');

const generated = {
  '.env.example': environmentExample(),
  'docs/reference/configuration.md': await pretty('configuration.md', configurationReference()),
  'docs/guides/licensing.md': await pretty('licensing.md', licensingGuide(read('docs/guides/licensing.md'))),
  'docs/reference/account-authority.md': await pretty('account-authority.md', accountAuthority()),
  'docs/reference/licensing-authority.md': await pretty('licensing-authority.md', authorityReference()),
  'docs/reference/organization-authority.md': await pretty(
    'organization-authority.md',
    organizationAuthority(),
  ),
  'docs/reference/account-api.json': await pretty('account-api.json', accountApi()),
  'docs/reference/licensing-api.json': await pretty('licensing-api.json', administrationApi()),
  'docs/reference/organization-api.json': await pretty('organization-api.json', organizationApi()),
  'libs/accounts/common-passwords.json': await pretty(
    'common-passwords.json',
    (await commonPasswords()).description,
  ),
  'migrations/schema.sql': await schema(),
};

let different = false;
for (const [name, wanted] of Object.entries(generated)) {
  const file = join(root, name);
  const found = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (found === wanted) continue;
  if (check) {
    different = true;
    process.stderr.write(
      `${name} ${found === undefined ? 'is missing' : 'is out of date'}: npm run generate\n`,
    );
  } else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, wanted);
    process.stdout.write(`${name} written\n`);
  }
}
process.exit(different ? 1 : 0);

function read(name) {
  return readFileSync(join(root, name), 'utf8');
}

async function pretty(filepath, text) {
  return format(text, { ...(await resolveConfig(join(root, filepath))), filepath });
}
