import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventStream } from '#events';
import { ClientRepository } from './client.repository.js';

/** Origins of public clients, whose scripts may call the endpoints that tokens come from; remembered by this node. */
@Injectable()
export class PublicOrigins implements OnModuleInit {
  private origins: Promise<ReadonlySet<string>> | undefined;

  constructor(
    private readonly clients: ClientRepository,
    private readonly events: EventStream,
  ) {}

  onModuleInit(): void {
    this.events.subscribe(({ kind }) => {
      if (kind === 'client-changed' || kind === 'client-disabled') this.origins = undefined;
    });
    this.events.whenHistoryEnds(() => (this.origins = undefined));
  }

  async includes(origin: string): Promise<boolean> {
    if (!this.events.isCurrent()) this.origins = undefined;
    this.origins ??= this.load();
    return (await this.origins).has(origin);
  }

  private load(): Promise<ReadonlySet<string>> {
    const load: Promise<ReadonlySet<string>> = this.clients
      .publicOrigins()
      .then((origins) => new Set(origins));
    load.catch(() => {
      if (this.origins === load) this.origins = undefined;
    });
    return load;
  }
}
