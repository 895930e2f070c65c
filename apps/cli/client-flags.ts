import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import type { ParseArgsConfig } from 'node:util';
import { GRANT_TYPES } from '#oauth';
import { PublicError } from '#platform';

type Kind = 'text' | 'words' | 'list' | 'grants' | 'switch' | 'number' | 'file';

/** Which member of a policy document each flag is. */
const FLAGS = {
  name: ['client_name', 'text'],
  auth: ['token_endpoint_auth_method', 'text'],
  grant: ['grant_types', 'grants'],
  'redirect-uri': ['redirect_uris', 'list'],
  'post-logout-redirect-uri': ['post_logout_redirect_uris', 'list'],
  'backchannel-logout-uri': ['backchannel_logout_uri', 'text'],
  scope: ['scope', 'words'],
  resource: ['resources', 'list'],
  organization: ['organization', 'text'],
  module: ['module', 'text'],
  'first-party': ['first_party', 'switch'],
  pkce: ['pkce', 'text'],
  par: ['require_pushed_authorization_requests', 'switch'],
  dpop: ['dpop_bound_access_tokens', 'switch'],
  profile: ['profile', 'text'],
  'token-format': ['access_token_format', 'text'],
  'id-token-alg': ['id_token_signed_response_alg', 'text'],
  'may-act': ['may_act', 'text'],
  'access-token-seconds': ['access_token_seconds', 'number'],
  'refresh-token-seconds': ['refresh_token_seconds', 'number'],
  'code-seconds': ['code_seconds', 'number'],
  jwks: ['jwks', 'file'],
  'jwks-uri': ['jwks_uri', 'text'],
} as const satisfies Readonly<Record<string, readonly [member: string, kind: Kind]>>;

/** For the grants whose names are long. */
const SHORT_GRANTS: Readonly<Record<string, string>> = {
  code: 'authorization_code',
  refresh: 'refresh_token',
  ...Object.fromEntries(
    GRANT_TYPES.filter((type) => type.startsWith('urn:')).map((type) => [type.replace(/^.*:/, ''), type]),
  ),
};

const MULTIPLE: readonly Kind[] = ['list', 'words', 'grants'];

/** The flags of a policy, as `parseArgs` takes them. */
export const policyOptions: NonNullable<ParseArgsConfig['options']> = {
  policy: { type: 'string' },
  ...Object.fromEntries(
    Object.entries(FLAGS).map(([flag, [, kind]]) => [
      flag,
      { type: kind === 'switch' ? 'boolean' : 'string', multiple: MULTIPLE.includes(kind) },
    ]),
  ),
};

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/**
 * The policy document that flags make, over that of the file which `--policy` names.
 * @throws PublicError 400 when a file cannot be read or is no JSON
 */
export async function policyDocument(values: Values): Promise<Record<string, unknown>> {
  const document: Record<string, unknown> = {};
  const { policy } = values;
  if (typeof policy === 'string') {
    const read = await jsonOf(policy);
    if (typeof read !== 'object' || read === null || Array.isArray(read)) {
      throw new PublicError(400, 'unreadable_file', `${policy} must hold one JSON object.`);
    }
    Object.assign(document, read);
  }
  for (const [flag, [member, kind]] of Object.entries(FLAGS)) {
    const value = values[flag];
    if (value !== undefined) document[member] = await valueOf(value, kind);
  }
  return document;
}

/** An empty text means that there is none. */
async function valueOf(value: NonNullable<Values[string]>, kind: Kind): Promise<unknown> {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') {
    const texts = value.map(String).filter((text) => text !== '');
    if (kind === 'words') return texts.join(' ');
    if (kind === 'grants') return texts.map((text) => SHORT_GRANTS[text] ?? text);
    return texts.length === 0 ? null : texts;
  }
  if (value === '') return null;
  if (kind === 'file') return jsonOf(value);
  return kind === 'number' && /^\d+$/.test(value) ? Number(value) : value;
}

/** @param path a file, or `-` for the input */
async function jsonOf(path: string): Promise<unknown> {
  const text =
    path === '-'
      ? await textOf(process.stdin)
      : await readFile(path, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
          throw new PublicError(
            400,
            'unreadable_file',
            `The file ${path} cannot be read (${code ?? 'unknown'}).`,
          );
        });
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new PublicError(400, 'unreadable_file', `${path === '-' ? 'The input' : path} is no JSON.`);
  }
}
