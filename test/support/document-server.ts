import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedDocument {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** It is answered when this has come. */
  readonly after?: Promise<unknown>;
}

/** Somebody's web server with documents on it, which keeps count of who has come for them. */
export class DocumentServer {
  /** By path. One that is not here is a 404; `undefined` never answers. */
  readonly documents = new Map<string, ServedDocument | undefined>();
  readonly asked: string[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<DocumentServer> {
    const server = createServer();
    const documents = new DocumentServer(server);
    server.on('request', ({ url = '' }, response) => {
      documents.asked.push(url);
      const found = documents.documents.get(url);
      if (!found && documents.documents.has(url)) return;
      const {
        status = 200,
        headers = { 'content-type': 'application/json' },
        body,
        after,
      }: ServedDocument = found ?? { status: 404, body: '{}' };
      void Promise.resolve(after).then(() => response.writeHead(status, { ...headers }).end(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return documents;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  timesAsked(path: string): number {
    return this.asked.filter((each) => each === path).length;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
