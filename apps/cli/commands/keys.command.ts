import { parseArgs } from 'node:util';
import { Clock, KeyEncryption, type Database } from '#platform';
import { KEY_KINDS, KeyRepository, KeyRotation, SCHEDULED_KINDS, type KeyKind } from '#tokens';
import { ACTOR } from '../actor.js';
import { EnvelopeRepository } from '../envelopes.repository.js';
import { requireKeyEncryption } from '../key-encryption.js';
import { describeKeys, describeRevocation, describeRotation } from '../key-sentences.js';
import { withDatabase } from '../opened-database.js';
import { rewrap } from '../rewrap.js';
import { terminal } from '../terminal.js';

const USAGE = `Usage: core-auth keys <what>

  list                     every key: what it is for, whether it signs, until when it verifies
  rotate                   publish the successor of each key that signs; no token stops working;
                           of license keys only when they are named: instances must be given the new one first
    --purpose PURPOSE      of this purpose alone: signing, mac, encryption or license
    --algorithm ALGORITHM  of this signature algorithm alone: ES256, RS256 or EdDSA
  revoke <kid>             emergency: this key verifies nothing from now on
  rewrap                   encrypt everything anew under the first key of CORE_AUTH_KEY_ENCRYPTION_KEYS`;

interface Opened {
  readonly database: Database;
  readonly rotation: KeyRotation;
  readonly encryption: KeyEncryption;
}

type Action = (opened: Opened) => Promise<number>;

/** Looks at the server's keys and changes them; running servers hear of it by themselves. */
export async function keysCommand(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<number> {
  const action = actionOf(args);
  if (!action) {
    terminal.complain(USAGE);
    return 1;
  }
  return withDatabase(env, ({ database, configuration }) => {
    const encryption = new KeyEncryption(configuration.keyEncryptionKeys);
    const rotation = new KeyRotation(new KeyRepository(database), encryption, new Clock());
    return action({ database, rotation, encryption });
  });
}

/** @returns undefined when the arguments name nothing that can be done */
function actionOf(args: readonly string[]): Action | undefined {
  const [what = '', ...rest] = args;
  switch (what) {
    case 'list':
      return rest.length === 0 ? list : undefined;
    case 'rotate': {
      const kinds = kindsOf(rest);
      return kinds && ((opened) => rotate(opened, kinds));
    }
    case 'revoke': {
      const [kid, ...more] = rest;
      return kid && more.length === 0 ? (opened) => revoke(opened, kid) : undefined;
    }
    case 'rewrap':
      return rest.length === 0
        ? ({ database, encryption }) => rewrap(new EnvelopeRepository(database), encryption, ACTOR.id)
        : undefined;
    default:
      return undefined;
  }
}

/** The kinds that the options of `rotate` leave; undefined when they are wrong or leave none. */
function kindsOf(args: readonly string[]): readonly KeyKind[] | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { purpose: { type: 'string' }, algorithm: { type: 'string' } },
      allowPositionals: false,
    });
    const named = values.purpose !== undefined || values.algorithm !== undefined;
    const kinds = (named ? KEY_KINDS : SCHEDULED_KINDS).filter(
      ({ purpose, algorithm }) =>
        purpose === (values.purpose ?? purpose) && algorithm === (values.algorithm ?? algorithm),
    );
    return kinds.length > 0 ? kinds : undefined;
  } catch {
    return undefined;
  }
}

async function list({ rotation, encryption }: Opened): Promise<number> {
  terminal.say(describeKeys(await rotation.list(), encryption.kids));
  return 0;
}

async function rotate({ rotation, encryption }: Opened, kinds: readonly KeyKind[]): Promise<number> {
  requireKeyEncryption(await rotation.list(), encryption);
  let published = 0;
  for (const kind of kinds) {
    const result = await rotation.rotate(kind, ACTOR.id);
    if (result.published) published += 1;
    terminal.say(describeRotation(kind, result));
  }
  return published === kinds.length ? 0 : 1;
}

async function revoke({ rotation }: Opened, kid: string): Promise<number> {
  const result = await rotation.revoke(kid, ACTOR.id);
  const sentence = describeRevocation(kid, result);
  if (result.outcome !== 'unknown') {
    terminal.say(sentence);
    return 0;
  }
  terminal.complain(sentence);
  return 1;
}
