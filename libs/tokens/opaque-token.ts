import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { equalInConstantTime } from '#platform';
import { KeyRing, type MacKey } from './key-ring.js';

export type OpaqueTokenType = 'code' | 'refresh_token';

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

  mint(type: OpaqueTokenType, token: OpaqueToken): string {
    const key = this.keys.macKey();
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
    const key = this.keys.macKeyById(kid);
    const idBytes = Buffer.from(id, 'base64url');
    if (!key || idBytes.length !== UUID_BYTES || !GENERATION.test(generation)) return undefined;
    const token: OpaqueToken = {
      authorizationId: uuidOf(idBytes),
      generation: Number(generation),
      rowSecret: Buffer.from(rowSecret, 'base64url'),
    };
    return equalInConstantTime(macOf(key, type, token), Buffer.from(mac, 'base64url')) ? token : undefined;
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
