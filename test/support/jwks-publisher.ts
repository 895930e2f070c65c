import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';

/** Where a client publishes its keys: a real HTTP server that answers with what it is told to answer. */
export class JwksPublisher {
  keys: JWK[] = [];
  /** Instead of the keys. */
  body: string | undefined;
  status = 200;
  headers: Readonly<Record<string, string>> = {};
  /** Milliseconds before it answers. */
  delay = 0;
  requests = 0;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<JwksPublisher> {
    const server = createServer();
    const publisher = new JwksPublisher(server);
    server.on('request', (_request, response) => {
      publisher.requests += 1;
      setTimeout(() => {
        response
          .writeHead(publisher.status, { 'content-type': 'application/jwk-set+json', ...publisher.headers })
          .end(publisher.body ?? JSON.stringify({ keys: publisher.keys }));
      }, publisher.delay);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return publisher;
  }

  url(name = 'jwks'): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${name}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
