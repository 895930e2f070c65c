import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { EventStream } from '#events';
import { ClientMetadataDocuments } from './client-metadata-documents.js';
import type { Client } from './client.js';
import { ClientRepository } from './client.repository.js';

const MAX_CLIENTS = 5000;
/** RFC 6749 appendix A.1 allows any visible character; we register fewer. */
const CLIENT_ID = /^[A-Za-z0-9._~-]{1,128}$/;

/** Clients, remembered by this node until an event says that one has changed. */
@Injectable()
export class ClientDirectory implements OnModuleInit {
  private readonly remembered = new LRUCache<string, Client>({ max: MAX_CLIENTS });
  private readonly loading = new Map<string, Promise<Client | undefined>>();

  constructor(
    private readonly clients: ClientRepository,
    private readonly documents: ClientMetadataDocuments,
    private readonly events: EventStream,
  ) {}

  onModuleInit(): void {
    this.events.subscribe(({ kind, subject }) => {
      if (kind !== 'client-changed' && kind !== 'client-disabled') return;
      this.remembered.delete(subject);
      this.loading.delete(subject);
      // what a document says changes when it is read again; only its being disabled is decided here
      if (kind === 'client-disabled') this.documents.forget(subject);
    });
    this.events.whenHistoryEnds(() => {
      this.remembered.clear();
      this.loading.clear();
      this.documents.forgetAll();
    });
  }

  /** @throws PublicError when the client is known by a document that cannot be read or used */
  async find(id: string): Promise<Client | undefined> {
    if (!CLIENT_ID.test(id)) return this.documents.isIdentifier(id) ? this.documents.find(id) : undefined;
    const remembered = this.events.isCurrent() ? this.remembered.get(id) : undefined;
    return remembered ?? this.load(id);
  }

  /** Before something is granted to the client, or kept for it: now it needs a row that this can belong to. */
  async keep(client: Client): Promise<void> {
    if (client.source === 'metadata_document') await this.documents.keep(client);
  }

  private load(id: string): Promise<Client | undefined> {
    const under = this.loading.get(id);
    if (under) return under;
    const load = this.clients
      .find(id)
      .then((client) => {
        // an event that came meanwhile has taken this load out: then what it read may be old
        if (client && this.loading.get(id) === load) this.remembered.set(id, client);
        return client;
      })
      .finally(() => {
        if (this.loading.get(id) === load) this.loading.delete(id);
      });
    this.loading.set(id, load);
    return load;
  }
}
