import { join } from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { isInstanceName, OfflineLicense, type LicenseFileClaims } from '@core-auth/module-kit/offline';
import { readText, reasonOf, requireSmall } from './files.js';
import { instantOf, UsageError, type Outcome } from './outcome.js';

/** Milliseconds. */
const FETCH_TIMEOUT = 10_000;
const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

export interface VerifyOptions {
  readonly instance?: string | undefined;
  readonly keys?: string | undefined;
  readonly issuer?: string | undefined;
  readonly state?: string | undefined;
}

export interface VerifyWish {
  readonly file: string;
  readonly instance: string;
  /** A path, or an https address. */
  readonly keys: string;
  readonly issuer: string;
  readonly folder: string;
}

/** @throws UsageError `invalid_arguments` */
export function verifyWishOf(file: string, options: VerifyOptions): VerifyWish {
  const { instance, keys, state: folder } = options;
  if (!instance || !isInstanceName(instance)) {
    throw wrong('Say with --instance NAME who is asking: 1 to 128 letters, digits, dots, _ and -.');
  }
  if (!keys) throw wrong('Say with --keys where the public license keys are: a file, or an https address.');
  if (!folder) throw wrong("Say with --state FOLDER where the instance's state is.");
  const address = addressOf(keys);
  const issuer = options.issuer ?? address?.origin;
  if (!issuer) throw wrong('Say with --issuer URL whose keys the file holds: the address of Core Auth.');
  return { file, instance, keys, issuer, folder };
}

/**
 * Asks the module kit's verifier, which needs no database, and no network when the keys are in a file. As at a module,
 * what was seen is written to the state.
 * @throws UsageError
 */
export async function verify({ file, instance, keys, issuer, folder }: VerifyWish): Promise<Outcome> {
  const license = await OfflineLicense.open({
    file: await readText(file),
    instance,
    issuer,
    keys: await keySet(keys),
    state: join(folder, `${instance}.json`),
  });
  const { denial, claims } = license;
  if (denial || !claims) {
    return denied(denial?.code ?? 'CHECK_UNAVAILABLE', denial?.sentence ?? 'Nobody can tell.');
  }
  const [sold] = claims.license.licenses;
  const question = { userId: null, module: sold?.module ?? '', environment: sold?.environment ?? '' };
  const { allow, code } = license.decide(question);
  return allow
    ? allowed(code, claims, license.seats.length)
    : denied(code, 'The file is genuine, and the license in it gives nothing now.');
}

function allowed(code: string, claims: LicenseFileClaims, taken: number): Outcome {
  const { aud, sub, jti, seq, exp, seat_block: seats, license } = claims;
  const until = instantOf(exp);
  return {
    exit: 0,
    text:
      `${code}: number ${seq} for ${aud}, module ${license.licenses[0]?.module}, ` +
      `${taken} of ${seats} seats taken, until ${until}.`,
    json: {
      allow: true,
      code,
      grant: jti,
      organization: sub,
      sequence: seq,
      seats,
      taken,
      expires_at: until,
    },
  };
}

function denied(code: string, sentence: string): Outcome {
  return {
    exit: 1,
    text: `${code}: ${sentence}`,
    json: { allow: false, code, message: sentence },
  };
}

async function keySet(from: string): Promise<JSONWebKeySet> {
  const address = addressOf(from);
  const text = address ? await fetched(address) : await readText(from);
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    set = undefined;
  }
  const keys = (set as { keys?: unknown } | null | undefined)?.keys;
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'object' && key !== null)) {
    throw new UsageError('unusable_keys', `${from} is no set of keys: make one with "license keys export".`);
  }
  return set as JSONWebKeySet;
}

/** Undefined of a path. */
function addressOf(keys: string): URL | undefined {
  if (!/^https?:\/\//i.test(keys)) return undefined;
  const url = URL.canParse(keys) ? new URL(keys) : undefined;
  if (url?.protocol === 'https:' || (url && LOCAL.has(url.hostname))) return url;
  throw wrong('The keys come by https: whoever could change them on the way could sign licenses.');
}

async function fetched(address: URL): Promise<string> {
  try {
    const answer = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT) });
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    return requireSmall(Buffer.from(await answer.arrayBuffer()), address.href).toString('utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { cause } = error as Error;
    throw new UsageError(
      'unusable_keys',
      `${address.href} gives no keys (${reasonOf(cause ?? error)}): carry them here with "license keys export".`,
    );
  }
}

function wrong(sentence: string): UsageError {
  return new UsageError('invalid_arguments', sentence);
}
