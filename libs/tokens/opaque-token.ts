import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { equalInConstantTime } from '#platform';
import { KeyRing, type MacKey } from './key-ring.js';

export type OpaqueTokenType = 'code' | 'refresh_token' | 'device_code';

/** What a code or a refresh token says of its authorization row. */
export interface OpaqueToken {
  readonly authorizationId: string;
  readonly generation: number;
  /** 16 bytes that the row also holds. */
  readonly rowSecret: Buffer;
}

const UUID_BYTES = 16;
const GENERATION = /^(0|[1-9]\d{0,8})$/;
const MAX_LENGTH = 256;

/**
 * Codes and refresh tokens: `kid.authorization id.generation.row secret.MAC`. The MAC (HMAC-SHA-256 over type, id,
 * generation and row secret) lets this process refuse a guess before it asks the database; the row secret makes the
 * server's key alone worthless. The same generation is always the same text, so that a lost answer can be repeated.
 */
@Injectable()
export class OpaqueTokens {
  constructor(private readonly keys: KeyRing) {}

  /**
   * @param at when the row got this generation, for a token that may have been minted before: the key that
   *   authenticated then makes the same text again, whatever key has taken over since
   */
  mint(type: OpaqueTokenType, token: OpaqueToken, at?: Date): string {
    const key = this.keys.macKey(at);
    return [
      key.kid,
      Buffer.from(token.authorizationId.replaceAll('-', ''), 'hex').toString('base64url'),
      String(token.generation),
      token.rowSecret.toString('base64url'),
      macOf(key, type, token).toString('base64url'),
    ].join('.');
  }

  /** @returns undefined when the text is no token of this type that this server made */
  read(type: OpaqueTokenType, text: string): OpaqueToken | undefined {
    if (text.length > MAX_LENGTH) return undefined;
    const [kid, id, generation, rowSecret, mac, rest] = text.split('.');
    if (!kid || !id || !generation || !rowSecret || !mac || rest !== undefined) return undefined;
    const [idBytes, secretBytes] = [Buffer.from(id, 'base64url'), Buffer.from(rowSecret, 'base64url')];
    if (idBytes.length !== UUID_BYTES || !GENERATION.test(generation)) return undefined;
    // RFC 4648 §3.3, §3.5: decoding overlooks foreign characters and spare bits, which would make one token many texts
    if (idBytes.toString('base64url') !== id || secretBytes.toString('base64url') !== rowSecret)
      return undefined;
    const key = this.keys.macKeyById(kid);
    if (!key) {
      // refused; should this node have missed a key, the next try finds it
      void this.keys.readForUnknownKey();
      return undefined;
    }
    const token: OpaqueToken = {
      authorizationId: uuidOf(idBytes),
      generation: Number(generation),
      rowSecret: secretBytes,
    };
    const expected = Buffer.from(macOf(key, type, token).toString('base64url'));
    return equalInConstantTime(expected, Buffer.from(mac)) ? token : undefined;
  }
}

function macOf(key: MacKey, type: OpaqueTokenType, token: OpaqueToken): Buffer {
  return createHmac('sha256', key.secret)
    .update(`${type}|${token.authorizationId}|${token.generation}|`)
    .update(token.rowSecret)
    .digest();
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
