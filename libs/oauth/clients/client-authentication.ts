import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { equalInConstantTime, sha256 } from '#platform';
import { DpopProofs } from '../dpop/dpop-proofs.js';
import { InvalidClient, InvalidRequest } from '../oauth.errors.js';
import type { Client } from './client.js';
import { AssertionProblem, ClientAssertions, JWT_BEARER_ASSERTION, subjectOf } from './client-assertion.js';
import { ClientDirectory } from './client-directory.js';

interface Request {
  readonly headers: IncomingHttpHeaders;
  readonly body?: unknown;
  readonly url: string;
}

/** What a request brings: a secret, an assertion, or an identifier alone. */
interface Credentials {
  readonly id: string;
  readonly secret?: string | undefined;
  readonly assertion?: string;
  readonly basic: boolean;
}

/**
 * Who is asking: exactly one method per request (RFC 6749 §2.3), and of the kind that the client is registered for: an
 * assertion, a secret, or neither. A secret may come by Basic or in the body (§2.3.1), whichever of the two was
 * registered: certified clients post theirs by default, also where registration said Basic.
 */
@Injectable()
export class ClientAuthenticator {
  constructor(
    private readonly clients: ClientDirectory,
    private readonly assertions: ClientAssertions,
    private readonly proofs: DpopProofs,
  ) {}

  /**
   * @param options.takesProof whether the endpoint looks at a DPoP proof as well
   * @throws InvalidClient, InvalidRequest, UseDpopNonce
   */
  async authenticate(
    request: Request,
    { takesProof = false }: { readonly takesProof?: boolean } = {},
  ): Promise<Client> {
    const credentials = credentialsOf(request);
    // RFC 9449 §8: the client sends the same request again, and its assertion is good for one
    if (takesProof && credentials.assertion !== undefined) this.proofs.requireNonce(request.headers);
    const { id, basic } = credentials;
    const client = await this.clients.find(id);
    if (!client) throw new InvalidClient('unknown client', basic);
    const problem = await this.problem(client, credentials, request.url.split('?', 1)[0] ?? '');
    if (problem !== undefined) throw new InvalidClient(problem, basic);
    return client;
  }

  private async problem(
    client: Client,
    { secret, assertion }: Credentials,
    path: string,
  ): Promise<string | undefined> {
    if (client.tokenEndpointAuthMethod === 'private_key_jwt') {
      if (assertion === undefined) return 'no assertion of a client that is registered for one';
      return this.assertions.verify(assertion, client, path).then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof AssertionProblem) return error.message;
          throw error;
        },
      );
    }
    if (assertion !== undefined) return 'an assertion of a client that is not registered for one';
    if (client.secretSha256 === null) {
      return secret === undefined ? undefined : 'a public client sent a secret';
    }
    const right = secret !== undefined && equalInConstantTime(sha256(secret), client.secretSha256);
    return right ? undefined : 'wrong or missing secret';
  }
}

function credentialsOf({ headers, body }: Request): Credentials {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const { client_id: id, client_secret: secret } = fields;
  const { client_assertion: assertion, client_assertion_type: assertionType } = fields;
  if ([id, secret, assertion, assertionType].some(Array.isArray))
    throw new InvalidRequest('A client credential was sent twice.');
  const basic = basicCredentials(headers.authorization);
  const claimed = claimedIdentity(assertion, assertionType);
  if ([basic, secret, claimed].filter((method) => method !== undefined).length > 1)
    throw new InvalidRequest('The client used more than one authentication method.');
  const known = basic ?? claimed;
  if (known) {
    // RFC 7521 §4.2: a client_id beside an assertion must name the same client
    if (id !== undefined && id !== known.id)
      throw new InvalidRequest('Two different client identifiers were sent.');
    return known;
  }
  if (typeof id !== 'string') throw new InvalidClient('no credentials', headers.authorization !== undefined);
  return { id, secret: typeof secret === 'string' ? secret : undefined, basic: false };
}

/** RFC 7521 §4.2: the two parameters come together. */
function claimedIdentity(assertion: unknown, type: unknown): Credentials | undefined {
  if (assertion === undefined && type === undefined) return undefined;
  if (typeof assertion !== 'string' || typeof type !== 'string')
    throw new InvalidRequest('client_assertion and client_assertion_type must be sent together.');
  // RFC 6749 §5.2: an authentication method that is not supported
  if (type !== JWT_BEARER_ASSERTION) throw new InvalidClient('unknown client_assertion_type', false);
  const id = subjectOf(assertion);
  if (id === undefined) throw new InvalidClient('not a JWT, or without sub', false);
  return { id, assertion, basic: false };
}

/** RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined. */
function basicCredentials(header: string | undefined): Credentials | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]{1,2048})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) {
    if (/^Basic\b/i.test(header ?? '')) throw new InvalidClient('malformed Basic credentials', true);
    return undefined;
  }
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
