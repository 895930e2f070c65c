import { Injectable } from '@nestjs/common';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import { addSeconds, Clock, OutboundHttp, type OutboundAnswer } from '#platform';
import type { Client } from './client.js';

/** Documents that are remembered; each has 64 KiB at most, as OutboundHttp reads no more. */
const MAX_DOCUMENTS = 500;
/** Seconds that a document counts as fresh: what its headers say, within these bounds. */
const MIN_FRESH = 60;
const MAX_FRESH = 86_400;
const FRESH_UNLESS_TOLD = 300;
/** Seconds between two requests for one document, whatever comes: made-up key ids must not become a flood. */
const MIN_INTERVAL = 60;

type Keys = ReturnType<typeof createLocalJWKSet>;

/** A JWK set (RFC 7517 §5) that a client publishes at its `jwks_uri`. */
interface Document {
  readonly askedAt: Date;
  /** Those of the last good answer; undefined before the first. */
  readonly keys: Keys | undefined;
  readonly freshUntil: Date;
  /** When keys that cannot be read again stop counting. */
  readonly usableUntil: Date;
  /** Why the last answer was no good; for logs alone. */
  readonly problem: string | undefined;
}

/** The public keys by which clients authenticate: from their registration, or from their `jwks_uri`. */
@Injectable()
export class ClientKeys {
  private readonly registered = new WeakMap<JSONWebKeySet, Keys>();
  private readonly documents = new LRUCache<string, Document>({ max: MAX_DOCUMENTS });
  private readonly asking = new Map<string, Promise<Document>>();

  constructor(
    private readonly http: OutboundHttp,
    private readonly clock: Clock,
  ) {}

  /**
   * Finds the key that the header of a JWT names by `kid`, or the only one that its algorithm fits.
   * It throws when there is none, or when the keys cannot be read.
   */
  of({ jwks, jwksUri }: Client): JWTVerifyGetKey {
    return async (header, token) => {
      if (jwks) return this.registeredKeys(jwks)(header, token);
      if (jwksUri === null) throw new Error('the client has no keys');
      const keys = keysOf(await this.document(jwksUri));
      try {
        return await keys(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        // a client rolls its keys over without a word (OpenID Connect Core §10.1.1): one look whether it has
        const again = keysOf(await this.reread(jwksUri));
        if (again === keys) throw error;
        return again(header, token);
      }
    };
  }

  private registeredKeys(jwks: JSONWebKeySet): Keys {
    const known = this.registered.get(jwks);
    if (known) return known;
    const keys = createLocalJWKSet(jwks);
    this.registered.set(jwks, keys);
    return keys;
  }

  private async document(uri: string): Promise<Document> {
    const known = this.documents.get(uri);
    return known && this.clock.now() < known.freshUntil ? known : this.reread(uri);
  }

  /** The document read again, unless that has just been tried; whoever asks meanwhile waits for the same answer. */
  private reread(uri: string): Promise<Document> {
    const known = this.documents.get(uri);
    if (known && this.clock.now() < addSeconds(known.askedAt, MIN_INTERVAL)) return Promise.resolve(known);
    const under = this.asking.get(uri);
    if (under) return under;
    const asking = this.ask(uri, known)
      .then((document) => {
        this.documents.set(uri, document);
        return document;
      })
      .finally(() => this.asking.delete(uri));
    this.asking.set(uri, asking);
    return asking;
  }

  private async ask(uri: string, known: Document | undefined): Promise<Document> {
    const askedAt = this.clock.now();
    try {
      const answer = await this.http.send(uri, {
        headers: { accept: 'application/jwk-set+json, application/json' },
      });
      if (answer.status !== 200) throw new Error(`${uri} answered ${answer.status}`);
      return {
        askedAt,
        keys: createLocalJWKSet(JSON.parse(answer.body) as JSONWebKeySet),
        freshUntil: addSeconds(askedAt, freshSeconds(answer.headers, askedAt)),
        usableUntil: addSeconds(askedAt, MAX_FRESH),
        problem: undefined,
      };
    } catch (error) {
      // what it said before counts a while longer: a client is not locked out by an hour's outage of its own
      const usable = known !== undefined && askedAt < known.usableUntil;
      return {
        askedAt,
        keys: usable ? known.keys : undefined,
        freshUntil: addSeconds(askedAt, MIN_INTERVAL),
        usableUntil: known?.usableUntil ?? askedAt,
        problem: error instanceof Error ? error.message : 'unreadable',
      };
    }
  }
}

function keysOf({ keys, problem }: Document): Keys {
  if (!keys) throw new Error(`the keys of the client cannot be read: ${problem}`);
  return keys;
}

/** Seconds by Cache-Control, else by Expires (RFC 9111 §4.2.1), within bounds. */
export function freshSeconds(headers: OutboundAnswer['headers'], now: Date): number {
  return Math.min(MAX_FRESH, Math.max(MIN_FRESH, statedSeconds(headers, now) ?? FRESH_UNLESS_TOLD));
}

function statedSeconds(headers: OutboundAnswer['headers'], now: Date): number | undefined {
  const directives = (headers['cache-control'] ?? '').toLowerCase().split(/\s*,\s*/);
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const maxAge = directives.map((directive) => /^max-age="?(\d{1,10})"?$/.exec(directive)?.[1]).find(Boolean);
  if (maxAge !== undefined) return Number(maxAge) - (Number(headers['age'] ?? 0) || 0);
  const expires = Date.parse(headers['expires'] ?? '');
  if (Number.isNaN(expires)) return headers['expires'] === undefined ? undefined : 0;
  const date = Date.parse(headers['date'] ?? '');
  return Math.floor((expires - (Number.isNaN(date) ? now.getTime() : date)) / 1000);
}
