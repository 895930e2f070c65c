import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { EventStream } from '#events';
import {
  addSeconds,
  Clock,
  Configuration,
  OutboundFailed,
  OutboundHttp,
  OutboundRefused,
  PublicError,
  requireFetchAllowed,
  type OutboundAnswer,
} from '#platform';
import { InvalidClientMetadata, InvalidRedirectUri, UnusableClientDocument } from '../oauth.errors.js';
import { readClientMetadata, type MetadataRules } from '../registration/client-metadata.js';
import { jsonObject, member } from '../registration/json-members.js';
import { RegisteredClientRepository } from '../registration/registered-client.repository.js';
import { freshSeconds } from './client-keys.js';
import { isClientIdentifierUrl } from './client-metadata-document.js';
import { clientProblem } from './client-policy.js';
import { complete } from './client.repository.js';
import type { Client } from './client.js';

const MAX_DOCUMENTS = 1000;
/** §8.7 recommends 5 kilobytes; a set of keys may need more. */
const MAX_BYTES = 16_384;
/** milliseconds */
const TIMEOUT = 3000;
/** Documents on their way at once. */
const MAX_FETCHES = 20;
/** Of one host in a minute: what cannot be used is not remembered (§5.2), and must not be asked for at any rate. */
const MAX_FETCHES_OF_HOST = 60;
const MINUTE = 60_000;
/** application/json, and application/<something>+json (§4) */
const JSON_TYPE = /^application\/([a-z0-9!#$&^_.-]+\+)?json *(;|$)/i;
/** §4.1 */
const SECRETS = ['client_secret', 'client_secret_expires_at'];

interface Remembered {
  readonly client: Client;
  readonly until: Date;
}

/**
 * Clients that are known by the URL of a document which describes them
 * (draft-ietf-oauth-client-id-metadata-document-02).
 */
@Injectable()
export class ClientMetadataDocuments {
  private readonly remembered = new LRUCache<string, Remembered>({ max: MAX_DOCUMENTS });
  private readonly fetching = new Map<string, Promise<Client | undefined>>();
  private readonly fetchesOfHost = new LRUCache<string, number>({
    max: MAX_DOCUMENTS,
    ttl: MINUTE,
    noUpdateTTL: true,
  });
  private readonly rules: MetadataRules;

  constructor(
    private readonly registrations: RegisteredClientRepository,
    private readonly outbound: OutboundHttp,
    private readonly configuration: Configuration,
    private readonly clock: Clock,
    private readonly events: EventStream,
  ) {
    this.rules = {
      // §4.1: no secret that both sides would have to know
      methods: ['none', 'private_key_jwt'],
      defaultMethod: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      scopes: configuration.registrationScopes.split(' '),
      forEveryServer: true,
    };
  }

  /** Whether this `client_id` names a document that may be asked for. */
  isIdentifier(id: string): boolean {
    const { clientIdMetadataDocuments: setting, production } = this.configuration;
    // §8.6: http on the loopback interface never in production, whatever network is allowed
    return setting === 'on' && isClientIdentifierUrl(id, !production);
  }

  /**
   * @returns undefined when an administrator has disabled the client
   * @throws UnusableClientDocument; PublicError 503 when this server fetches too many at the moment, or 429 when it
   *   fetches too many for who is asking
   */
  async find(id: string): Promise<Client | undefined> {
    const remembered = this.remembered.get(id);
    if (remembered && remembered.until > this.clock.now()) {
      // who hears of no event asks, as for every other client; what the document says is as fresh as it was
      if (this.events.isCurrent() || !(await this.registrations.isDisabled(id))) return remembered.client;
      return undefined;
    }
    const under = this.fetching.get(id);
    if (!under) return this.begin(id);
    return under.catch((error: unknown) => {
      // what hindered who came first is their own limit
      if (error instanceof PublicError && error.status === 429) return this.begin(id);
      throw error;
    });
  }

  private begin(id: string): Promise<Client | undefined> {
    const load = this.load(id)
      .then((loaded) => {
        // an event that came meanwhile has taken this load out: the client may have been disabled since it was looked up
        if (loaded && this.fetching.get(id) === load) this.remembered.set(id, loaded);
        return loaded?.client;
      })
      .finally(() => {
        if (this.fetching.get(id) === load) this.fetching.delete(id);
      });
    this.fetching.set(id, load);
    return load;
  }

  /** An event says that an administrator has changed something about the client. */
  forget(id: string): void {
    this.remembered.delete(id);
    this.fetching.delete(id);
  }

  forgetAll(): void {
    this.remembered.clear();
    this.fetching.clear();
  }

  /**
   * Gives the client a row, which what is granted to it belongs to; a row that nothing refers to is removed again.
   * @throws PublicError 503 when there are too many
   */
  async keep(client: Client): Promise<void> {
    if ((await this.registrations.save(client, { stated: null })) === 'full')
      throw busy('too many documents are kept');
  }

  /** §5.2: to be remembered by its headers, within bounds; what cannot be used is not. */
  private async load(id: string): Promise<Remembered | undefined> {
    if (await this.registrations.isDisabled(id)) return undefined;
    const answer = await this.fetch(id);
    const client = this.read(id, answer);
    const now = this.clock.now();
    return { client, until: addSeconds(now, freshSeconds(answer.headers, now)) };
  }

  private async fetch(id: string): Promise<OutboundAnswer> {
    await requireFetchAllowed();
    const { host } = new URL(id);
    const fetches = (this.fetchesOfHost.get(host) ?? 0) + 1;
    if (this.fetching.size > MAX_FETCHES || fetches > MAX_FETCHES_OF_HOST)
      throw busy(`too many fetches of ${host}`);
    this.fetchesOfHost.set(host, fetches);
    try {
      return await this.outbound.send(id, {
        headers: { accept: 'application/json' },
        maxBytes: MAX_BYTES,
        timeout: TIMEOUT,
      });
    } catch (error) {
      if (error instanceof OutboundRefused)
        throw new UnusableClientDocument('Its address cannot be asked.', error.message);
      if (error instanceof OutboundFailed)
        throw new UnusableClientDocument('It cannot be read at the moment.', error.message);
      throw error;
    }
  }

  private read(id: string, { status, headers, body }: OutboundAnswer): Client {
    // §5: 200 and nothing else; a redirect is not followed
    if (status !== 200)
      throw new UnusableClientDocument('It was not answered with status 200.', `status ${status}`);
    if (!JSON_TYPE.test(headers['content-type'] ?? '')) throw new UnusableClientDocument('It is not JSON.');
    try {
      return this.client(id, parse(body));
    } catch (error) {
      if (error instanceof InvalidClientMetadata || error instanceof InvalidRedirectUri)
        throw new UnusableClientDocument(error.publicMessage);
      throw error;
    }
  }

  private client(id: string, document: unknown): Client {
    const json = jsonObject(document);
    // §4: by simple comparison of the texts
    if (member(json, 'client_id') !== id)
      throw new UnusableClientDocument('Its client_id is not its own address.');
    if (SECRETS.some((name) => member(json, name) !== undefined))
      throw new UnusableClientDocument('It holds a client secret.');
    const { name, policy } = readClientMetadata(json, this.rules);
    const client = complete({ id, name: name ?? new URL(id).host, source: 'metadata_document', ...policy });
    const problem = clientProblem(client);
    if (problem) throw new UnusableClientDocument(problem.message);
    return client;
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw new UnusableClientDocument('It is not JSON.');
  }
}

function busy(reason: string): PublicError {
  return new PublicError(
    503,
    'temporarily_unavailable',
    'The document that describes this application cannot be read at the moment.',
    { reason, headers: { 'retry-after': '10' } },
  );
}
