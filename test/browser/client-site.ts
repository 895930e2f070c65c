import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { REPOSITORY } from '../support/built-process.js';

/** What a form brought to the client. */
export interface PostedForm {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

const LIBRARY = join(REPOSITORY, 'node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js');
const PAGE =
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Client</title><link rel="icon" href="data:,"></head>' +
  '<body><h1>Client</h1><script src="/library.js"></script><script src="/client.js"></script></body></html>';

/** The site of a client, on an origin of its own: a single-page application by oidc-client-ts, and a server that takes forms. */
export class ClientSite {
  readonly posted: PostedForm[] = [];
  /** The program of the single-page application. */
  script = '';

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ClientSite> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const site = new ClientSite(server);
    server.on('request', (request, response) => void site.answer(request, response));
    return site;
  }

  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    if (request.method === 'POST') {
      let text = '';
      for await (const part of request.setEncoding('utf8')) text += String(part);
      this.posted.push({ path, fields: Object.fromEntries(new URLSearchParams(text)) });
    }
    if (path === '/library.js' || path === '/client.js') {
      response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' });
      response.end(path === '/library.js' ? readFileSync(LIBRARY) : this.script);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
  }
}
