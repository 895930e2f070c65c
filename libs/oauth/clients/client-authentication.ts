import { Injectable } from '@nestjs/common';
import { equalInConstantTime, sha256 } from '#platform';
import { InvalidClient, InvalidRequest } from '../oauth.errors.js';
import type { Client } from './client.js';
import { ClientDirectory } from './client-directory.js';

/** Methods of RFC 8414 §2 that this server knows. */
export const CLIENT_AUTHENTICATION_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const;

interface Request {
  readonly headers: { readonly authorization?: string | undefined };
  readonly body?: unknown;
}

interface Credentials {
  readonly id: string;
  readonly secret: string | undefined;
  readonly basic: boolean;
}

/** Who is asking: exactly one method per request (RFC 6749 §2.3). */
@Injectable()
export class ClientAuthenticator {
  constructor(private readonly clients: ClientDirectory) {}

  /** @throws InvalidClient, InvalidRequest */
  async authenticate(request: Request): Promise<Client> {
    const { id, secret, basic } = credentialsOf(request);
    const client = await this.clients.find(id);
    if (!client) throw new InvalidClient('unknown client', basic);
    if (client.secretSha256 === null) {
      if (secret !== undefined) throw new InvalidClient('a public client sent a secret', basic);
      return client;
    }
    if (secret === undefined || !equalInConstantTime(sha256(secret), client.secretSha256)) {
      throw new InvalidClient('wrong or missing secret', basic);
    }
    return client;
  }
}

function credentialsOf({ headers, body }: Request): Credentials {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const { client_id: id, client_secret: secret } = fields;
  if (Array.isArray(id) || Array.isArray(secret))
    throw new InvalidRequest('A client credential was sent twice.');
  const basic = basicCredentials(headers.authorization);
  if (basic) {
    if (secret !== undefined)
      throw new InvalidRequest('The client used more than one authentication method.');
    if (id !== undefined && id !== basic.id)
      throw new InvalidRequest('Two different client identifiers were sent.');
    return basic;
  }
  if (typeof id !== 'string') throw new InvalidClient('no credentials', headers.authorization !== undefined);
  return { id, secret: typeof secret === 'string' ? secret : undefined, basic: false };
}

/** RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined. */
function basicCredentials(header: string | undefined): Credentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]{1,2048})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [, id, secret] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  try {
    return { id: decodeForm(id ?? ''), secret: decodeForm(secret ?? ''), basic: true };
  } catch {
    throw new InvalidClient('malformed Basic credentials', true);
  }
}

function decodeForm(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
