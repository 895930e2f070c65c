import { SCHEDULED_KINDS, KEY_KINDS } from '#tokens';
import { ACTOR } from '../actor.js';
import { describeKeys, describeRotation } from '../key-sentences.js';
import { requireKeyEncryption } from '../key-encryption.js';
import { OutputFile } from './files.js';
import type { Opened } from './opened.js';
import type { Outcome } from './outcome.js';

/** Those of license files: the ones that no schedule rotates. */
const LICENSE_KINDS = KEY_KINDS.filter((kind) => !SCHEDULED_KINDS.includes(kind));

export async function listKeys({ rotation, encryption }: Opened): Promise<Outcome> {
  const keys = (await rotation.list()).filter(({ purpose }) => purpose === 'license');
  const listed = keys.map(({ kid, state, signsFrom, verifiesUntil }) => ({
    kid,
    state,
    signs_from: signsFrom.toISOString(),
    verifies_until: verifiesUntil?.toISOString() ?? null,
  }));
  return { exit: 0, text: describeKeys(keys, encryption.kids), json: { keys: listed } };
}

/** @throws LaunchError */
export async function rotateKeys({ rotation, encryption }: Opened): Promise<Outcome> {
  requireKeyEncryption(await rotation.list(), encryption);
  const results = [];
  for (const kind of LICENSE_KINDS) results.push({ kind, result: await rotation.rotate(kind, ACTOR.id) });
  const text = results.map(({ kind, result }) => describeRotation(kind, result)).join('\n');
  const published = results.flatMap(({ result }) =>
    result.published ? [{ kid: result.kid, signs_from: result.signsFrom.toISOString() }] : [],
  );
  const done = published.length === results.length;
  const json = done ? { published } : { error: 'not_rotated', message: text, published };
  return { exit: done ? 0 : 1, text, json };
}

/**
 * The public keys as a JWK Set (RFC 7517 §5), to be carried to an instance. To the terminal goes nothing else.
 * @throws UsageError
 */
export async function exportKeys(
  { keys, configuration }: Opened,
  output: string | undefined,
  force: boolean,
): Promise<Outcome> {
  const set = await keys.publicKeys();
  if (set.keys.length === 0) {
    const message = 'There is no license key yet: the server makes it at its first start.';
    return { exit: 1, text: message, json: { error: 'no_license_key', message } };
  }
  const text = JSON.stringify(set, undefined, 2);
  if (output === undefined) return { exit: 0, text, json: set };
  new OutputFile(output, force).finish(`${text}\n`);
  const kids = set.keys.map(({ kid = '' }) => kid);
  return {
    exit: 0,
    text: `Wrote ${output}: ${kids.join(', ')}. Their issuer is ${configuration.issuer}, which the instance has to be told too.`,
    json: { file: output, issuer: configuration.issuer, kids },
  };
}
